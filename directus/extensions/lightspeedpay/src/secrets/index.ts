/**
 * Encrypts secrets before they reach the database, activity or revisions. They are written to the columns new_…, from
 * where triggers move them to their place; `api_secret` and `webhook_secret` are accepted as names for those.
 */
import { InvalidPayloadError } from "@directus/errors";
import { defineHook } from "@directus/extensions-sdk";
import { encryptSecret, parseEncryptionKeys } from "../../../../../db/client/secrets.ts";
import { makeCredentials, sealClientSecret } from "./credentials.ts";

type Payload = Record<string, unknown>;
interface Queries {
	raw(sql: string): Promise<{ rows: { id: string }[] }>;
}

const GATEWAY_SECRETS = ["api_secret", "webhook_secret"] as const;
const CLIENT_CREDENTIALS = ["client_key", "client_salt", "webhook_secret", "new_client_salt", "new_webhook_secret"];
/** What Directus answers instead of a concealed value; a form may send it back. */
const CONCEALED = "**********";

export default defineHook(({ filter }) => {
	const keys = parseEncryptionKeys(process.env.ENCRYPTION_KEYS ?? "");

	// Ids are made here, because the ciphertext is bound to the row it belongs to.
	async function newId(database: unknown): Promise<string> {
		const { rows } = await (database as Queries).raw("select uuidv7() as id");
		return rows[0]!.id;
	}

	function sealGateway(payload: Payload, row: string): Payload {
		const sealed = { ...payload };
		for (const column of GATEWAY_SECRETS) {
			const plaintext = takeSecret(sealed, column);
			if (plaintext !== null) {
				sealed[`new_${column}`] = encryptSecret(keys, plaintext, { table: "payment_gateways", column, row });
			}
		}
		return sealed;
	}

	filter("clients.items.create", async (payload, _meta, { database }) => {
		const id = await newId(database);
		const made = makeCredentials();
		return {
			...(payload as Payload),
			id,
			client_key: made.client_key,
			new_client_salt: sealClientSecret(keys, "client_salt", id, made.client_salt),
			new_webhook_secret: sealClientSecret(keys, "webhook_secret", id, made.webhook_secret),
		};
	});

	filter("clients.items.update", (payload) => {
		const given = CLIENT_CREDENTIALS.filter((field) => field in (payload as Payload));
		if (given.length > 0) {
			throw new InvalidPayloadError({ reason: `${given.join(", ")}: use "Regenerate" on the client's page` });
		}
		return payload;
	});

	filter("payment_gateways.items.create", async (payload, _meta, { database }) => {
		const id = await newId(database);
		return { ...sealGateway(payload as Payload, id), id };
	});

	filter("payment_gateways.items.update", (payload, meta) => {
		const given = GATEWAY_SECRETS.filter((column) => takeSecret({ ...(payload as Payload) }, column) !== null);
		const rows = meta.keys as string[];
		if (given.length > 0 && rows.length !== 1) {
			throw new InvalidPayloadError({ reason: "a secret belongs to one gateway: change one at a time" });
		}
		return sealGateway(payload as Payload, rows[0]!);
	});
});

/** Takes a secret out of the payload, under either name. */
function takeSecret(payload: Payload, column: string): string | null {
	const values = [payload[`new_${column}`], payload[column]];
	delete payload[`new_${column}`];
	delete payload[column];
	const value = values.find((candidate) => candidate !== undefined && candidate !== null);
	if (value === undefined || value === "" || value === CONCEALED) return null;
	if (typeof value !== "string" || value.length > 4096) {
		throw new InvalidPayloadError({ reason: `"${column}" must be a text of at most 4096 characters` });
	}
	return value;
}
