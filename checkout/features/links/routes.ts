import { type ErrorRequestHandler, type Request, type RequestHandler, type Response, Router } from "express";
import { DomainError } from "../../../db/client/errors.ts";
import { openPaymentLink, readLinkPage } from "../../../db/client/links.ts";
import { createStatusToken } from "../../../db/client/status-token.ts";
import type { Dependencies } from "../../dependencies.ts";
import { HTTP_STATUS } from "../../middleware/errors.ts";
import { formatAmount } from "../pay/formats.ts";
import { setPageHeaders } from "../pay/page-headers.ts";
import { type Problem, showFault, showProblem } from "../pay/problem-page.ts";
import { languageOf, rememberLanguage } from "../pay/request-language.ts";
import { renderLinkPage } from "../pay/templates.ts";
import { type LinkPage, linkModel } from "./link-model.ts";
import { linkCode } from "./schema.ts";

export type LinkDependencies = Pick<Dependencies, "env" | "logger" | "pool" | "clock" | "tracing">;

/** Where a payment link leads. Looking at it makes nothing: apps that preview links, and curious people, look too. */
export function linkRoutes(dependencies: LinkDependencies): Router {
	const router = Router();
	router.get("/l/:code", showLink(dependencies));
	router.post("/l/:code", followLink(dependencies), showRefusal(dependencies));
	router.use("/l", showFault(dependencies.logger));
	return router;
}

function showLink({ env, pool, clock }: LinkDependencies): RequestHandler<{ code: string }> {
	return async (request, response) => {
		const link = await readLink(pool, request.params.code);
		rememberLanguage(request, response, "/l");
		if (link === null || link.status !== "active") {
			showClosed(request, response, link);
			return;
		}
		const url = `${env.PUBLIC_CHECKOUT_URL}/l/${link.code}`;
		const model = linkModel(link, languageOf(request), url, new Date(clock.now()));
		const nonce = setPageHeaders(response, "'self'");
		response.type("html").send(renderLinkPage(model, nonce));
	};
}

async function readLink(pool: LinkDependencies["pool"], text: string): Promise<LinkPage | null> {
	const code = linkCode.parse(text);
	return code === null ? null : readLinkPage(pool, code);
}

function followLink({ env, pool, logger, tracing }: LinkDependencies): RequestHandler<{ code: string }> {
	return async (request, response) => {
		const code = linkCode.parse(request.params.code);
		if (code === null) throw new DomainError("not_found");
		const started_at = tracing === null ? 0 : performance.timeOrigin + performance.now();
		const { transaction_id, is_new } = await openPaymentLink(pool, code);
		logger.info({ transaction_id }, "payer opened a payment link");
		const query = new URLSearchParams({
			token: createStatusToken(env.STATUS_TOKEN_KEY, transaction_id),
			// The payment's pages have a cookie of their own.
			lang: languageOf(request),
		});
		response.set({ "Cache-Control": "no-store", "Referrer-Policy": "strict-origin" });
		response.redirect(303, `/pay/${transaction_id}?${query}`);
		if (tracing === null || !is_new) return;
		tracing.recordPayment(transaction_id, {
			name: "POST /l/:code",
			kind: "server",
			started_at,
			ended_at: performance.timeOrigin + performance.now(),
			attributes: { "request.id": request.id, "transaction.id": transaction_id },
		});
	};
}

/** A link that is closed, or a merchant that cannot take a payment now. */
function showRefusal({ pool, logger }: LinkDependencies): ErrorRequestHandler<{ code: string }> {
	return async (err: unknown, request, response, next) => {
		if (!(err instanceof DomainError) || err.code === "internal_error") {
			next(err);
			return;
		}
		const link = await readLink(pool, request.params.code);
		if (link === null || link.status !== "active") {
			showClosed(request, response, link);
			return;
		}
		logger.warn({ link_id: link.link_id, code: err.code, param: err.param }, "a payment link could not be followed");
		if (err.retry_after_seconds !== undefined) response.set("Retry-After", String(err.retry_after_seconds));
		showProblem(request, response, "link_refused", {
			status: HTTP_STATUS[err.code],
			values: { merchant: link.company_name },
		});
	};
}

const CLOSED = {
	expired: "link_expired",
	disabled: "link_disabled",
	completed: "link_completed",
} satisfies Record<Exclude<LinkPage["status"], "active">, Problem>;

function showClosed(request: Request, response: Response, link: LinkPage | null): void {
	if (link === null || link.status === "active") {
		showProblem(request, response, "link_not_found");
		return;
	}
	const amount = formatAmount(link.amount, link.currency, languageOf(request));
	showProblem(request, response, CLOSED[link.status], { values: { merchant: link.company_name, amount } });
}
