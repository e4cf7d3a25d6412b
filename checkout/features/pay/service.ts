import { type PayPage, readPayPage, requestConfirmation } from "../../../db/client/payments.ts";
import { decryptSecret } from "../../../db/client/secrets.ts";
import type { Presentation, PspAccount, PspAdapter, ReturnResult } from "../../../psp/adapter.ts";
import type { Dependencies } from "../../dependencies.ts";
import { isStatusToken } from "../../status-token.ts";
import type { Visit } from "./page-state.ts";
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

export function adapterOf({ adapters }: PayDependencies, page: OpenedPage): PspAdapter {
	const adapter = adapters.get(page.gateway.provider);
	if (adapter === undefined) throw new Error(`There is no adapter for the provider "${page.gateway.provider}".`);
	return adapter;
}

export function resultUrl({ keys }: PayDependencies, page: OpenedPage): string | null {
	if (page.redirect_url === null) return null;
	const { transaction_id, order_id, status, amount } = page.view;
	return signedResultUrl({
		redirect_url: page.redirect_url,
		client_salt: decryptSecret(keys, page.client_salt, {
			table: "clients",
			column: "client_salt",
			row: page.client_id,
		}),
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
	return result.claims === "cancelled" ? { returned: null, left: true } : { returned: result.claims, left: false };
}

export async function receiveCancel(dependencies: PayDependencies, page: OpenedPage): Promise<Visit> {
	await askForConfirmation(dependencies, page);
	return { returned: null, left: true };
}

function checkReturn(
	dependencies: PayDependencies,
	page: OpenedPage,
	browser: { query: Record<string, string>; form: Record<string, string> },
): ReturnResult {
	if (page.psp_order_id === null) return { verified: false, claims: "unknown" };
	try {
		const account = openAccount(dependencies, page);
		return adapterOf(dependencies, page).verifyReturn(account, { ...browser, psp_order_id: page.psp_order_id });
	} catch (err) {
		// The look-up does not need the return: the payer must not be stopped here.
		dependencies.logger.error({ err, attempt_id: page.attempt_id }, "cannot check a payer's return");
		return { verified: false, claims: "unknown" };
	}
}

function openAccount({ keys }: PayDependencies, { gateway }: OpenedPage): PspAccount {
	const open = (column: "api_secret" | "webhook_secret", stored: string) =>
		decryptSecret(keys, stored, { table: "payment_gateways", column, row: gateway.id });
	return {
		api_key: gateway.api_key,
		api_secret: open("api_secret", gateway.api_secret),
		webhook_secret: gateway.webhook_secret === null ? null : open("webhook_secret", gateway.webhook_secret),
		settings: gateway.settings,
	};
}

async function askForConfirmation({ pool, logger }: PayDependencies, page: OpenedPage): Promise<void> {
	try {
		await requestConfirmation(pool, page.attempt_id);
	} catch (err) {
		// Pending attempts are looked up on a schedule too; the payer's page says "confirming" either way.
		logger.error({ err, attempt_id: page.attempt_id }, "cannot ask for a confirmation");
	}
}
