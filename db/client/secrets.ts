/**
 * Secrets as they are kept in the database: AES-256-GCM, made and opened only in the application. The stored text is
 *   v1.<key id>.<iv>.<ciphertext and tag>        (base64url)
 * and is bound to its place by the additional data `table.column:row id`, so that a ciphertext copied to another row or
 * column does not open. The key id tells which of several keys made it: rotate by putting a new key first.
 */
import {
	createCipheriv,
	createDecipheriv,
	createHmac,
	createSecretKey,
	type KeyObject,
	randomBytes,
	timingSafeEqual,
} from "node:crypto";

export interface EncryptionKeys {
	current: string;
	/** Not as bytes: Node makes a key of them for each use, which takes three times as long as the use. */
	keys: ReadonlyMap<string, KeyObject>;
}

export interface SecretPlace {
	table: string;
	column: string;
	row: string;
}

export interface SecretColumn {
	table: "clients" | "payment_gateways" | "webhook_endpoints" | "collection_accounts" | "whatsapp_provider_tokens";
	column: string;
	/** The column that the ciphertext is bound to, where it is another: a secret that was moved here as it was. */
	made_for?: string;
	/** The row's id, where it is not called so. */
	row_id?: string;
}

/** Where secrets are kept: all that the database holds. */
export const SECRET_COLUMNS: readonly SecretColumn[] = [
	{ table: "clients", column: "client_salt" },
	{ table: "clients", column: "previous_client_salt", made_for: "client_salt" },
	{ table: "clients", column: "webhook_secret" },
	{ table: "clients", column: "previous_webhook_secret", made_for: "webhook_secret" },
	{ table: "webhook_endpoints", column: "secret" },
	{ table: "webhook_endpoints", column: "previous_secret", made_for: "secret" },
	{ table: "payment_gateways", column: "api_secret" },
	{ table: "payment_gateways", column: "webhook_secret" },
	{ table: "collection_accounts", column: "api_secret", row_id: "client_id" },
	{ table: "collection_accounts", column: "webhook_secret", row_id: "client_id" },
	{ table: "whatsapp_provider_tokens", column: "token" },
];

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Parses ENCRYPTION_KEYS: `kid:base64 of 32 bytes[,kid2:…]`; the first encrypts, all decrypt. */
export function parseEncryptionKeys(text: string): EncryptionKeys {
	const keys = new Map<string, KeyObject>();
	for (const entry of text.split(",")) {
		const [, kid, encoded] = /^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/=_-]+)$/.exec(entry.trim()) ?? [];
		const key = Buffer.from(encoded ?? "", "base64");
		if (!kid || key.length !== 32) {
			throw new Error("ENCRYPTION_KEYS must be a comma-separated list of <key id>:<base64 of 32 random bytes>.");
		}
		if (keys.has(kid)) throw new Error(`ENCRYPTION_KEYS names the key id ${kid} twice.`);
		keys.set(kid, createSecretKey(key));
	}
	const [current] = keys.keys();
	return { current: current!, keys };
}

export function encryptSecret(keys: EncryptionKeys, plaintext: string, place: SecretPlace): string {
	const iv = randomBytes(IV_BYTES);
	const cipher = createCipheriv("aes-256-gcm", keys.keys.get(keys.current)!, iv).setAAD(additionalData(place));
	const sealed = Buffer.concat([cipher.update(plaintext, "utf8"), cipher.final(), cipher.getAuthTag()]);
	return `v1.${keys.current}.${iv.toString("base64url")}.${sealed.toString("base64url")}`;
}

/** Throws when the text was altered, belongs to another place, or names a key we do not have. */
export function decryptSecret(keys: EncryptionKeys, stored: string, place: SecretPlace): string {
	const [version, kid, iv, sealed, ...rest] = stored.split(".");
	const where = `${place.table}.${place.column} of ${place.row}`;
	if (version !== "v1" || !kid || !iv || !sealed || rest.length > 0)
		throw new Error(`${where} is not an encrypted secret.`);
	const key = keys.keys.get(kid);
	if (!key) throw new Error(`${where} was encrypted with key "${kid}", which ENCRYPTION_KEYS does not hold.`);
	const bytes = Buffer.from(sealed, "base64url");
	try {
		const decipher = createDecipheriv("aes-256-gcm", key, Buffer.from(iv, "base64url"), { authTagLength: TAG_BYTES });
		decipher.setAAD(additionalData(place)).setAuthTag(bytes.subarray(-TAG_BYTES));
		return decipher.update(bytes.subarray(0, -TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
	} catch (cause) {
		throw new Error(`${where} does not open with key "${kid}": it was altered or belongs elsewhere.`, { cause });
	}
}

/**
 * Shows to another of our processes that the caller holds the same ENCRYPTION_KEYS. Good for `message` and nothing else, so
 * name in it what is asked for; whoever overhears it may repeat it.
 */
export function proveKeys(keys: EncryptionKeys, message: string): string {
	return prove(keys.keys.get(keys.current)!, message);
}

/** By any of our keys: while they are rotated, the other side may be a step behind or ahead. */
export function isProvenBy(keys: EncryptionKeys, message: string, proof: string): boolean {
	const given = Buffer.from(proof);
	return [...keys.keys.values()].some((key) => {
		const expected = Buffer.from(prove(key, message));
		return given.length === expected.length && timingSafeEqual(given, expected);
	});
}

const prove = (key: KeyObject, message: string): string =>
	createHmac("sha256", key).update(`lightspeedpay inner call\n${message}`).digest("hex");

/** As it is stored: the secrets are ciphertexts. */
export interface SealedGateway {
	id: string;
	api_key: string;
	/** Null for direct UPI, which has none. */
	api_secret: string | null;
	webhook_secret: string | null;
	settings: Record<string, unknown>;
}

/** As the PSP's API is called: the secrets are readable, and must never be logged, stored or returned. */
export type GatewayAccount = Omit<SealedGateway, "id" | "api_secret"> & { api_secret: string };

/** Throws when one of its secrets does not open. */
export function openGatewaySecrets(keys: EncryptionKeys, gateway: SealedGateway): GatewayAccount {
	const { id, api_key, api_secret, webhook_secret, settings } = gateway;
	const open = (column: "api_secret" | "webhook_secret", stored: string) =>
		decryptSecret(keys, stored, { table: "payment_gateways", column, row: id });
	return {
		api_key,
		api_secret: api_secret === null ? "" : open("api_secret", api_secret),
		webhook_secret: webhook_secret === null ? null : open("webhook_secret", webhook_secret),
		settings,
	};
}

function additionalData(place: SecretPlace): Buffer {
	return Buffer.from(`${place.table}.${place.column}:${place.row}`);
}
