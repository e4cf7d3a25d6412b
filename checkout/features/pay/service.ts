import { type PayPage, readPayPage, requestConfirmation } from "../../../db/client/payments.ts";
import { decryptSecret, openGatewaySecrets } from "../../../db/client/secrets.ts";
import { isStatusToken } from "../../../db/client/status-token.ts";
import type { Presentation, ReturnResult } from "../../../psp/adapter.ts";
import type { Dependencies } from "../../dependencies.ts";
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

/** Where the gateway's adapter may lead the payer's browser; nowhere without one: the page itself does not need it. */
export function browserOrigins({ adapters }: PayDependencies, page: OpenedPage): readonly string[] {
	return adapters.get(page.gateway.provider)?.browser_origins ?? [];
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
