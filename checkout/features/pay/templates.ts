/** The Handlebars templates of checkout/views, compiled when the process starts. */
import { readdirSync, readFileSync } from "node:fs";
import { runInThisContext } from "node:vm";
import Handlebars from "handlebars";
import type { Language } from "./languages.ts";
import { assetPath } from "./page-assets.ts";
import type { PageModel } from "./page-model.ts";
import type { Texts } from "./texts/en.ts";

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
const problem = compile("problem.hbs");

const assets = { style: assetPath("pay.css"), script: assetPath("pay.js"), icon: assetPath("icon.svg") };

export function renderPayPage(model: PageModel, nonce: string): string {
	return pay({ ...model, nonce, assets, scripted: true });
}

/** A page without a payment. */
export interface ProblemModel {
	language: Language;
	texts: Texts;
	title: string;
	heading: string;
	text: string;
	languages: PageModel["languages"];
	/** Whether loading the page again may help. */
	reload: boolean;
	request_id: string | null;
}

export function renderProblemPage(model: ProblemModel, nonce: string): string {
	return problem({ ...model, nonce, assets, scripted: false, refresh_seconds: null });
}
