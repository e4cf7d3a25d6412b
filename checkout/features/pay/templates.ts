/** The Handlebars templates of checkout/views, compiled when the process starts. */
import { readdirSync, readFileSync } from "node:fs";
import { runInThisContext } from "node:vm";
import Handlebars from "handlebars";
import type { Language } from "./languages.ts";
import { assetPath } from "./page-assets.ts";
import type { Icon, PageModel, Tone } from "./page-model.ts";
import type { Texts } from "./texts/en.ts";
import type { Scheme } from "./theme.ts";

const FOLDER = new URL("../../views/", import.meta.url);

const handlebars = Handlebars.create();

/** strict: a name that the model lacks is an error, not an empty string. Everything printed is escaped. */
function compile(file: string): Handlebars.TemplateDelegate {
	const source = readFileSync(new URL(file, FOLDER), "utf8");
	const specification = handlebars.precompile(source, { strict: true, knownHelpersOnly: true, preventIndent: true });
	return handlebars.template(runInThisContext(`(${specification})`, { filename: file }));
}

handlebars.registerPartial("layout", compile("layout.hbs"));
for (const file of readdirSync(new URL("partials/", FOLDER))) {
	handlebars.registerPartial(file.replace(/\.hbs$/, ""), compile(`partials/${file}`));
}
const pay = compile("pay.hbs");
const open = compile("open.hbs");
const link = compile("link.hbs");
const problem = compile("problem.hbs");

interface Script {
	src: string;
	id: string | null;
}

/** What every page has. */
const common = {
	assets: { style: assetPath("pay.css"), icon: assetPath("icon.svg") },
	scripts: [] as Script[],
	refresh_seconds: null,
	preview: null,
	theme: null,
	sample: null,
};
const ownScript = (name: string): Script => ({ src: assetPath(name), id: null });

export function renderPayPage(model: PageModel, nonce: string): string {
	return pay({ ...common, ...model, nonce, scripts: [ownScript("pay.js")] });
}

/** The page over no payment at all; `sample` says so. `scheme`: fixed, whatever the device wants. */
export function renderPreview(model: PageModel & { sample: string }, nonce: string, scheme: Scheme | null): string {
	const style = assetPath(scheme === null ? "pay.css" : `pay-${scheme}.css`);
	return pay({ ...common, ...model, nonce, assets: { ...common.assets, style } });
}

/** The page on which a provider's script runs. */
export interface OpenModel
	extends Pick<PageModel, "language" | "texts" | "title" | "merchant" | "theme" | "languages" | "amount" | "trust"> {
	script_url: string;
	/** The asset that hands the session to that script. */
	glue: string;
	/** JSON. */
	session: string;
	page_url: string;
	/** Asks for another gateway; null when there is none. */
	move_url: string | null;
	continue_label: string;
}

export function renderOpenPage(model: OpenModel, nonce: string): string {
	const scripts = [ownScript(model.glue), ownScript("open.js"), { src: model.script_url, id: "provider-script" }];
	return open({ ...common, ...model, nonce, scripts });
}

/** What a payment link shows before anything is made. */
export interface LinkModel
	extends Pick<PageModel, "language" | "texts" | "title" | "merchant" | "theme" | "languages" | "amount" | "trust"> {
	heading: string;
	text: string;
	url: string;
	pay: string;
	facts: { label: string; text: string }[];
	/** For the apps that the link is sent by. */
	preview: { site: string; title: string; text: string; url: string; locale: string };
}

export function renderLinkPage(model: LinkModel, nonce: string): string {
	return link({ ...common, ...model, nonce });
}

/** A page without a payment. */
export interface ProblemModel {
	language: Language;
	texts: Texts;
	title: string;
	icon: Icon;
	tone: Tone;
	heading: string;
	text: string;
	languages: PageModel["languages"];
	/** Whether loading the page again may help. */
	reload: boolean;
	request_id: string | null;
}

export function renderProblemPage(model: ProblemModel, nonce: string): string {
	return problem({ ...common, ...model, nonce });
}
