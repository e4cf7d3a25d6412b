import { callRows, callValue, type Queryable } from "./call.ts";
import { DomainError } from "./errors.ts";
import { type Rate, type RateRow, toRate } from "./rates.ts";
import type { SealedGateway } from "./secrets.ts";

export interface Client {
	id: string;
	/** The one asked for. */
	client_key: string;
	/** Ciphertext of the salt that goes with it, made for the column client_salt. */
	client_salt: string;
	/** For a pair that was replaced: how long it is still valid. */
	valid_seconds: number | null;
	company_name: string;
	status: "active" | "suspended" | "disabled";
	allow_plain_salt: boolean;
	redirect_urls: string[];
}

/** A merchant's PSP account as SQL sealed_gateway gives it. */
export interface Gateway extends SealedGateway {
	provider: string;
}

export interface WebhookGateway extends Gateway {
	webhook_networks: string[] | null;
}

/** How a merchant's payment page looks. */
export interface ClientTheme {
	/** #rrggbb; null: the product's own. */
	theme_color: string | null;
	/** Of the logo's bytes; null: none. */
	logo_sha256: string | null;
}

export interface Logo {
	media_type: "image/png" | "image/jpeg" | "image/webp";
	content: Buffer;
}

export function findClientByKey(database: Queryable, client_key: string): Promise<Client | null> {
	return callValue(database, "find_client", "select public.find_client($1) as value", [client_key]);
}

/** Counts the request and says what is left; throws rate_limited, invalid_credentials or client_suspended. */
export async function admitRequest(database: Queryable, client_id: string, client_key: string): Promise<Rate> {
	const row = await callValue<RateRow>(database, "admit_request", "select public.admit_request($1, $2) as value", [
		client_id,
		client_key,
	]);
	const rate = toRate(row)!;
	const wait = row[5];
	if (wait != null) throw new DomainError("rate_limited", { retry_after_seconds: wait, rate });
	return rate;
}

export function findWebhookGateways(
	database: Queryable,
	client_key: string,
): Promise<{ client_id: string; gateways: WebhookGateway[] } | null> {
	return callValue(database, "find_webhook_gateways", "select public.find_webhook_gateways($1) as value", [client_key]);
}

export async function readLogo(database: Queryable, sha256: string): Promise<Logo | null> {
	const [logo] = await callRows<Logo>(database, "read_logo", "select * from public.read_logo($1)", [sha256]);
	return logo ?? null;
}

export function readClientTheme(
	database: Queryable,
	client_id: string,
): Promise<(ClientTheme & { company_name: string }) | null> {
	return callValue(database, "read_client_theme", "select public.read_client_theme($1) as value", [client_id]);
}
