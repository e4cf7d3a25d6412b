import { randomBytes } from "node:crypto";
import { type EncryptionKeys, encryptSecret } from "../../../../../db/client/secrets.ts";

export interface Credentials {
	client_key: string;
	client_salt: string;
	webhook_secret: string;
}

export function makeCredentials(): Credentials {
	return {
		client_key: `lsp_${randomBytes(12).toString("hex")}`,
		client_salt: randomBytes(32).toString("base64url"),
		// As Standard Webhooks writes it.
		webhook_secret: `whsec_${randomBytes(32).toString("base64")}`,
	};
}

export function sealClientSecret(
	keys: EncryptionKeys,
	column: "client_salt" | "webhook_secret",
	row: string,
	plaintext: string,
): string {
	return encryptSecret(keys, plaintext, { table: "clients", column, row });
}
