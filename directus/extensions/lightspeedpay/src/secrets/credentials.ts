import { randomBytes } from "node:crypto";
import { type EncryptionKeys, encryptSecret, type SecretPlace } from "../../../../../db/client/secrets.ts";

export interface Credentials {
	client_key: string;
	client_salt: string;
	webhook_secret: string;
}

export function makeCredentials(): Credentials {
	return {
		client_key: `lsp_${randomBytes(12).toString("hex")}`,
		client_salt: randomBytes(32).toString("base64url"),
		webhook_secret: makeWebhookSecret(),
	};
}

/** As Standard Webhooks writes it. */
export function makeWebhookSecret(): string {
	return `whsec_${randomBytes(32).toString("base64")}`;
}

/** The first endpoint of a merchant has the merchant's id, and its secret is the merchant's. */
export function placeOfWebhookSecret(client_id: string, endpoint_id: string): SecretPlace {
	return endpoint_id === client_id
		? { table: "clients", column: "webhook_secret", row: client_id }
		: { table: "webhook_endpoints", column: "secret", row: endpoint_id };
}

export function sealClientSecret(
	keys: EncryptionKeys,
	column: "client_salt" | "webhook_secret",
	row: string,
	plaintext: string,
): string {
	return encryptSecret(keys, plaintext, { table: "clients", column, row });
}
