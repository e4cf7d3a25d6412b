import { type Request, type RequestHandler, type Response, Router, urlencoded } from "express";
import { TEXTS } from "./languages.ts";
import { openModel } from "./open-model.ts";
import { assetRoutes } from "./page-assets.ts";
import { formActionSources, setPageHeaders } from "./page-headers.ts";
import { pageModel, visitQuery } from "./page-model.ts";
import type { Visit } from "./page-state.ts";
import { showFault, showProblem } from "./problem-page.ts";
import { languageOf, rememberLanguage } from "./request-language.ts";
import { payParams, payQuery, returnFields, utrForm } from "./schema.ts";
import {
	askForAnotherGateway,
	browserOrigins,
	type OpenedPage,
	openPayment,
	type PayDependencies,
	receiveCancel,
	receiveReturn,
	receiveUtr,
	resultUrl,
	scriptToRun,
} from "./service.ts";
import { renderOpenPage, renderPayPage } from "./templates.ts";
import { platformOf } from "./upi.ts";

const NO_VISIT: Visit = { returned: null, left: false, utr: null };

/** The payer's pages and their assets. */
export function payRoutes(dependencies: PayDependencies): Router {
	const router = Router();
	const readForm = urlencoded({ extended: false, limit: "32kb", parameterLimit: 100 });
	router.use(assetRoutes());
	router.get("/pay/:id", showPage(dependencies));
	router.get("/pay/:id/open", showOpening(dependencies));
	const comeBack = withPayment(dependencies, async (request, response, page, token) => {
		const { token: _, ...query } = returnFields.parse(request.query);
		const visit = await receiveReturn(dependencies, page, { query, form: returnFields.parse(request.body) });
		toPage(response, page, token, visit);
	});
	router.get("/pay/:id/return", comeBack);
	router.post("/pay/:id/return", readForm, comeBack);
	router.get(
		"/pay/:id/cancel",
		withPayment(dependencies, async (_request, response, page, token) => {
			toPage(response, page, token, await receiveCancel(dependencies, page));
		}),
	);
	router.post(
		"/pay/:id/retry",
		withPayment(dependencies, async (_request, response, page, token) => {
			await askForAnotherGateway(dependencies, page);
			toPage(response, page, token, NO_VISIT);
		}),
	);
	router.post(
		"/pay/:id/utr",
		readForm,
		withPayment(dependencies, async (request, response, page, token) => {
			const { utr } = utrForm.parse(request.body ?? {});
			toPage(response, page, token, await receiveUtr(dependencies, page, utr));
		}),
	);
	// Somebody typed, or loaded again, the address of a form.
	const leadBack = withPayment(dependencies, async (_request, response, page, token) => {
		toPage(response, page, token, NO_VISIT);
	});
	router.get(["/pay/:id/retry", "/pay/:id/utr"], leadBack);
	router.use("/pay", showFault(dependencies.logger));
	return router;
}

function showPage(dependencies: PayDependencies): RequestHandler<{ id: string }> {
	return withPayment(dependencies, async (request, response, page, token) => {
		const { returned, left, utr, entered } = payQuery.parse(request.query);
		rememberLanguage(request, response, "/pay");
		const form_action = formActionSources(browserOrigins(dependencies, page), dependencies.env.SANDBOX_URL);
		const model = pageModel(
			{
				page,
				visit: { returned, left, utr: utr === null ? null : { refusal: utr, entered } },
				language: languageOf(request),
				token,
				platform: platformOf(request.get("User-Agent")),
				resultUrl: () => resultUrl(dependencies, page),
			},
			form_action,
		);
		const nonce = setPageHeaders(response, form_action);
		response.type("html").send(renderPayPage(model, nonce));
	});
}

/** For providers whose page only their script opens. It runs here and not beside the rest of the payment. */
function showOpening(dependencies: PayDependencies): RequestHandler<{ id: string }> {
	return withPayment(dependencies, async (request, response, page, token) => {
		const script = scriptToRun(dependencies, page);
		if (script === null) {
			toPage(response, page, token, NO_VISIT);
			return;
		}
		rememberLanguage(request, response, "/pay");
		const language = languageOf(request);
		const form_action = formActionSources(browserOrigins(dependencies, page), dependencies.env.SANDBOX_URL);
		const nonce = setPageHeaders(response, form_action, new URL(script.url).origin);
		response.type("html").send(renderOpenPage(openModel(page, script, token, language, TEXTS[language]), nonce));
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

/** 303, so that reloading the page does not post a form again. */
function toPage(response: Response, page: OpenedPage, token: string, visit: Visit): void {
	const query = new URLSearchParams({ token, ...visitQuery(visit) });
	response.set({ "Cache-Control": "no-store", "Referrer-Policy": "strict-origin" });
	response.redirect(303, `/pay/${page.view.transaction_id}?${query}`);
}
