import {
	type ErrorRequestHandler,
	type Request,
	type RequestHandler,
	type Response,
	Router,
	urlencoded,
} from "express";
import { DomainError } from "../../../db/client/errors.ts";
import { chooseLanguage, fillText, LANGUAGES, type Language, TEXTS } from "./languages.ts";
import { assetRoutes } from "./page-assets.ts";
import { formActionSources, setPageHeaders } from "./page-headers.ts";
import { pageModel, visitQuery } from "./page-model.ts";
import type { Visit } from "./page-state.ts";
import { payParams, payQuery, returnFields } from "./schema.ts";
import {
	browserOrigins,
	type OpenedPage,
	openPayment,
	type PayDependencies,
	receiveCancel,
	receiveReturn,
	resultUrl,
} from "./service.ts";
import { renderPayPage, renderProblemPage } from "./templates.ts";

const LANGUAGE_COOKIE = "lang";
const LANGUAGE_COOKIE_MS = 365 * 24 * 60 * 60 * 1000;
const PROBLEM_STATUS = { bad_link: 401, not_found: 404, broken: 500 } as const;

/** The payer's pages and their assets. */
export function payRoutes(dependencies: PayDependencies): Router {
	const router = Router();
	router.use(assetRoutes());
	router.get("/pay/:id", showPage(dependencies));
	const comeBack = withPayment(dependencies, async (request, response, page, token) => {
		const { token: _, ...query } = returnFields.parse(request.query);
		const visit = await receiveReturn(dependencies, page, { query, form: returnFields.parse(request.body) });
		toPage(response, page, token, visit);
	});
	router.get("/pay/:id/return", comeBack);
	router.post("/pay/:id/return", urlencoded({ extended: false, limit: "32kb", parameterLimit: 100 }), comeBack);
	router.get(
		"/pay/:id/cancel",
		withPayment(dependencies, async (_request, response, page, token) => {
			toPage(response, page, token, await receiveCancel(dependencies, page));
		}),
	);
	router.use("/pay", showFault(dependencies));
	return router;
}

function showPage(dependencies: PayDependencies): RequestHandler<{ id: string }> {
	return withPayment(dependencies, async (request, response, page, token) => {
		const { lang, returned, left } = payQuery.parse(request.query);
		if (lang !== undefined) rememberLanguage(request, response, lang);
		const form_action = formActionSources(browserOrigins(dependencies, page), dependencies.env.SANDBOX_URL);
		const model = pageModel(
			{
				page,
				visit: { returned, left },
				language: languageOf(request),
				token,
				resultUrl: () => resultUrl(dependencies, page),
			},
			form_action,
		);
		const nonce = setPageHeaders(response, form_action);
		response.type("html").send(renderPayPage(model, nonce));
	});
}

function withPayment(
	dependencies: PayDependencies,
	handle: (request: Request<{ id: string }>, response: Response, page: OpenedPage, token: string) => Promise<void>,
): RequestHandler<{ id: string }> {
	return async (request, response) => {
		const params = payParams.safeParse(request.params);
		const { token } = payQuery.parse(request.query);
		const opening = params.success
			? await openPayment(dependencies, params.data.id.toLowerCase(), token)
			: { refusal: "not_found" as const };
		if ("refusal" in opening) showProblem(request, response, opening.refusal);
		else await handle(request, response, opening.page, token);
	};
}

/** 303, so that reloading the page does not post the PSP's form again. */
function toPage(response: Response, page: OpenedPage, token: string, visit: Visit): void {
	const query = new URLSearchParams({ token, ...visitQuery(visit) });
	response.set({ "Cache-Control": "no-store", "Referrer-Policy": "strict-origin" });
	response.redirect(303, `/pay/${page.view.transaction_id}?${query}`);
}

function showFault({ logger }: PayDependencies): ErrorRequestHandler {
	return (err: unknown, request, response, next) => {
		if (response.headersSent) {
			next(err);
			return;
		}
		if (err instanceof DomainError && err.retry_after_seconds !== undefined) {
			response.set("Retry-After", String(err.retry_after_seconds)).status(503);
		} else {
			response.status(statusOf(err));
		}
		logger.error({ err, path: request.baseUrl, request_id: requestId(response) }, "cannot show a payment");
		showProblem(request, response, "broken", response.statusCode);
	};
}

/** Body parsers put the client's fault into `status`. */
function statusOf(err: unknown): number {
	const status = err instanceof Error && "status" in err ? Number(err.status) : 500;
	return status >= 400 && status < 500 ? status : 500;
}

function showProblem(
	request: Request,
	response: Response,
	problem: keyof typeof PROBLEM_STATUS,
	status: number = PROBLEM_STATUS[problem],
): void {
	const language = languageOf(request);
	const texts = TEXTS[language];
	const { heading, text } = texts.problems[problem];
	const nonce = setPageHeaders(response, "'none'");
	const html = renderProblemPage(
		{
			language,
			texts,
			title: fillText(texts.document_title, { heading, merchant: "LightSpeedPay" }),
			heading,
			text,
			languages: LANGUAGES.filter((other) => other !== language).map((other) => ({
				language: other,
				name: TEXTS[other].name,
				href: `?${new URLSearchParams({ ...returnFields.parse(request.query), lang: other })}`,
			})),
			reload: problem === "broken",
			request_id: problem === "broken" ? requestId(response) : null,
		},
		nonce,
	);
	response.status(status).type("html").send(html);
}

function requestId(response: Response): string | null {
	const id = response.get("X-Request-Id");
	return id === undefined ? null : id;
}

function languageOf(request: Request): Language {
	const cookie = /(?:^|;\s*)lang=(\w+)/.exec(request.get("Cookie") ?? "")?.[1];
	const { lang } = payQuery.parse(request.query);
	return chooseLanguage(lang ?? cookie, request.get("Accept-Language"));
}

/** Kept through the trip to the PSP, whose return address knows no language. */
function rememberLanguage(request: Request, response: Response, language: Language): void {
	response.cookie(LANGUAGE_COOKIE, language, {
		path: "/pay",
		maxAge: LANGUAGE_COOKIE_MS,
		httpOnly: true,
		sameSite: "lax",
		secure: request.secure,
	});
}
