import { requestAnotherGateway } from "../../../db/client/attempts.ts";
import { DomainError } from "../../../db/client/errors.ts";
import { type PayPage, readPayPage, requestConfirmation } from "../../../db/client/payments.ts";
import { decryptSecret, openGatewaySecrets } from "../../../db/client/secrets.ts";
import { isStatusToken } from "../../../db/client/status-token.ts";
import { submitUtr } from "../../../db/client/upi.ts";
import type { Presentation, ReturnResult } from "../../../psp/adapter.ts";
import type { Dependencies } from "../../dependencies.ts";
import { pageState, type UtrRefusal, type Visit } from "./page-state.ts";
import { glueFor } from "./provider-scripts.ts";
import { storedPresentation } from "./schema.ts";
import { signedResultUrl } from "./signed-result.ts";

export type PayDependencies = Pick<Dependencies, "env" | "logger" | "pool" | "keys" | "adapters">;

export type OpenedPage = Omit<PayPage, "presentation"> & { presentation: Presentation | null };

export type Opening = { page: OpenedPage } | { refusal: "bad_link" | "not_found" };

/** The token is checked first, so that a stranger learns nothing about which payments exist. */
export async function openPayment(dependencies: PayDependencies, id: string, token: string): Promise<Opening> {
	if (!isStatusToken(dependencies.env.STATUS_TOKEN_KEY, id, token)) return { refusal: "bad_link" };
	const page = await readPayPage(dependencies.pool, id);
	if (page === null) return { refusal: "not_found" };
	return { page: { ...page, presentation: storedPresentation.parse(page.presentation) } };
}

/** Where the gateway's adapter may lead the payer's browser; nowhere without one: the page itself does not need it. */
export function browserOrigins({ adapters }: PayDependencies, page: OpenedPage): readonly string[] {
	return adapters.get(page.gateway.provider)?.browser_origins ?? [];
}

export function resultUrl({ keys }: PayDependencies, page: OpenedPage): string | null {
	if (page.redirect_url === null) return null;
	const { transaction_id, order_id, status, amount } = page.view;
	const open = (salt: string) =>
		decryptSecret(keys, salt, { table: "clients", column: "client_salt", row: page.client_id });
	// A server that knows the old pair only looks at `signature` as ever; one that has the new pair takes the other as well.
	const { client_salt, previous_client_salt } = page;
	return signedResultUrl({
		redirect_url: page.redirect_url,
		client_salt: open(previous_client_salt ?? client_salt),
		next_client_salt: previous_client_salt === null ? null : open(client_salt),
		transaction_id,
		order_id,
		status,
		amount,
		now: new Date(page.database_time),
	});
}

/**
 * The payer's browser came back from the PSP. Whatever it carries is only a claim: a worker is asked to look the attempt
 * up, and the page waits for that. Returns how the page should receive the payer.
 */
export async function receiveReturn(
	dependencies: PayDependencies,
	page: OpenedPage,
	browser: { query: Record<string, string>; form: Record<string, string> },
): Promise<Visit> {
	const result = checkReturn(dependencies, page, browser);
	dependencies.logger.info(
		{ transaction_id: page.view.transaction_id, attempt_id: page.attempt_id, ...result },
		"payer came back from the PSP",
	);
	await askForConfirmation(dependencies, page);
	return result.claims === "cancelled"
		? { returned: null, left: true, utr: null }
		: { returned: result.claims, left: false, utr: null };
}

export async function receiveCancel(dependencies: PayDependencies, page: OpenedPage): Promise<Visit> {
	await askForConfirmation(dependencies, page);
	return { returned: null, left: true, utr: null };
}

export async function askForAnotherGateway({ pool, logger }: PayDependencies, page: OpenedPage): Promise<void> {
	const { transaction_id } = page.view;
	const is_asked = await requestAnotherGateway(pool, transaction_id);
	logger.info({ transaction_id, attempt_id: page.attempt_id, is_asked }, "payer wants another gateway");
}

/** The number that the payer's bank gave the payment. It is only a claim: the merchant's bank has the last word. */
export async function receiveUtr({ pool }: PayDependencies, page: OpenedPage, entered: string): Promise<Visit> {
	// Apps show the digits in groups.
	const utr = entered.replaceAll(/[\s-]/g, "");
	const visit: Visit = { returned: null, left: false, utr: null };
	try {
		await submitUtr(pool, page.view.transaction_id, utr);
		return visit;
	} catch (err) {
		if (!(err instanceof DomainError)) throw err;
		// The page as it is says why no number is taken any more.
		if (err.code === "not_found") return visit;
		const refusal = UTR_REFUSAL_OF[err.code];
		if (refusal === undefined) throw err;
		return { ...visit, utr: { refusal, entered } };
	}
}

const UTR_REFUSAL_OF: Partial<Record<string, UtrRefusal>> = {
	invalid_request: "invalid",
	utr_already_used: "used",
	rate_limited: "too_many",
};

export interface ScriptToRun {
	url: string;
	glue: string;
	session: Record<string, string>;
}

/** The provider's script that leads the payer on; null where the payment is not, or no longer, paid that way. */
export function scriptToRun({ env }: PayDependencies, page: OpenedPage): ScriptToRun | null {
	const { presentation, gateway } = page;
	if (presentation?.kind !== "script") return null;
	const state = pageState(page, { returned: null, left: false, utr: null });
	if (state !== "ready" && state !== "declined") return null;
	const { script_url: url, session } = presentation;
	return { url, session, glue: glueFor(gateway.provider, url, env.SANDBOX_URL) };
}

function checkReturn(
	dependencies: PayDependencies,
	page: OpenedPage,
	browser: { query: Record<string, string>; form: Record<string, string> },
): ReturnResult {
	if (page.psp_order_id === null) return { verified: false, claims: "unknown" };
	try {
		const { provider } = page.gateway;
		const adapter = dependencies.adapters.get(provider);
		if (adapter === undefined) throw new Error(`There is no adapter for the provider "${provider}".`);
		const account = openGatewaySecrets(dependencies.keys, page.gateway);
		return adapter.verifyReturn(account, { ...browser, psp_order_id: page.psp_order_id });
	} catch (err) {
		// The look-up does not need the return: the payer must not be stopped here.
		dependencies.logger.error({ err, attempt_id: page.attempt_id }, "cannot check a payer's return");
		return { verified: false, claims: "unknown" };
	}
}

async function askForConfirmation({ pool, logger }: PayDependencies, page: OpenedPage): Promise<void> {
	try {
		await requestConfirmation(pool, page.attempt_id);
	} catch (err) {
		// Pending attempts are looked up on a schedule too; the payer's page says "confirming" either way.
		logger.error({ err, attempt_id: page.attempt_id }, "cannot ask for a confirmation");
	}
}
