import { callValue, type Queryable } from "./call.ts";
import type { SealedGateway } from "./secrets.ts";

export interface Client {
	id: string;
	client_key: string;
	/** Ciphertext. */
	client_salt: string;
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

export function findClientByKey(database: Queryable, client_key: string): Promise<Client | null> {
	return callValue(database, "find_client", "select public.find_client($1) as value", [client_key]);
}

/** Counts the request; throws rate_limited, invalid_credentials or client_suspended. */
export async function admitRequest(database: Queryable, client_id: string, client_key: string): Promise<void> {
	await callValue(database, "admit_request", "select public.admit_request($1, $2) as value", [client_id, client_key]);
}

export function findWebhookGateways(
	database: Queryable,
	client_key: string,
): Promise<{ client_id: string; gateways: WebhookGateway[] } | null> {
	return callValue(database, "find_webhook_gateways", "select public.find_webhook_gateways($1) as value", [client_key]);
}
