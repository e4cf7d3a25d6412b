import type { ErrorRequestHandler, Request, Response } from "express";
import type { Logger } from "pino";
import { DomainError } from "../../../db/client/errors.ts";
import { fillText, TEXTS } from "./languages.ts";
import { setPageHeaders } from "./page-headers.ts";
import { otherLanguages } from "./page-model.ts";
import { languageOf } from "./request-language.ts";
import { returnFields } from "./schema.ts";
import { type ProblemModel, renderProblemPage } from "./templates.ts";
import type { Texts } from "./texts/en.ts";

const PROBLEM_STATUS = {
	bad_link: 401,
	not_found: 404,
	broken: 500,
	link_not_found: 404,
	link_expired: 410,
	link_disabled: 410,
	link_completed: 410,
	link_refused: 503,
} satisfies Record<keyof Texts["problems"], number>;

const LOOKS: Partial<Record<Problem, Pick<ProblemModel, "icon" | "tone">>> = {
	link_expired: { icon: "clock", tone: "warn" },
	link_completed: { icon: "check", tone: "good" },
};

export type Problem = keyof typeof PROBLEM_STATUS;

/** Answers with a page that says why there is nothing to pay here. `values` fill the problem's text. */
export function showProblem(
	request: Request,
	response: Response,
	problem: Problem,
	{ status = PROBLEM_STATUS[problem], values = {} }: { status?: number; values?: Record<string, string> } = {},
): void {
	const language = languageOf(request);
	const texts = TEXTS[language];
	const { heading, text } = texts.problems[problem];
	const nonce = setPageHeaders(response, "'none'");
	const html = renderProblemPage(
		{
			language,
			texts,
			title: fillText(texts.document_title, { heading, merchant: values.merchant ?? "LightSpeedPay" }),
			...(LOOKS[problem] ?? { icon: "cross", tone: "warn" }),
			heading,
			text: fillText(text, values),
			languages: otherLanguages(language, returnFields.parse(request.query)),
			reload: problem === "broken" || problem === "link_refused",
			request_id: problem === "broken" ? (response.get("X-Request-Id") ?? null) : null,
		},
		nonce,
	);
	response.status(status).type("html").send(html);
}

/** Ends the routes of payers' pages: a payer gets a page, never JSON. */
export function showFault(logger: Logger): ErrorRequestHandler {
	return (err: unknown, request, response, next) => {
		if (response.headersSent) {
			next(err);
			return;
		}
		let status = statusOf(err);
		if (err instanceof DomainError && err.retry_after_seconds !== undefined) {
			response.set("Retry-After", String(err.retry_after_seconds));
			status = 503;
		}
		logger.error(
			{ err, path: request.baseUrl, request_id: response.get("X-Request-Id") },
			"cannot show a payer's page",
		);
		showProblem(request, response, "broken", { status });
	};
}

/** Body parsers put the client's fault into `status`. */
function statusOf(err: unknown): number {
	const status = err instanceof Error && "status" in err ? Number(err.status) : 500;
	return status >= 400 && status < 500 ? status : 500;
}
