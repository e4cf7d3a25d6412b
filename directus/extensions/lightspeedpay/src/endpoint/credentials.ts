/** What an operator does with a client's credentials. */
import { InvalidPayloadError } from "@directus/errors";
import { decryptSecret, parseEncryptionKeys } from "../../../../../db/client/secrets.ts";
import { POLICIES } from "../../../../config/policies.ts";
import { makeCredentials, sealClientSecret } from "../secrets/credentials.ts";
import {
	callDatabase,
	holdsPolicy,
	itemsOf,
	type Router,
	readBody,
	readId,
	readText,
	refuse,
	type Studio,
} from "./context.ts";
import { addRoute } from "./routes.ts";

const MANAGERS = [POLICIES.operator];
/** One event more or less does no harm: a merchant takes each event once. */
export const REPLAYERS = [POLICIES.operator, POLICIES.support];

interface Secrets {
	client_key: string;
	client_salt: string;
	webhook_secret: string;
}

export function addCredentialRoutes(router: Router, studio: Studio, checkoutUrl: string): void {
	const keys = parseEncryptionKeys(process.env.ENCRYPTION_KEYS ?? "");

	// What anybody who may read the client sees; no secrets.
	addRoute(router, studio, {
		method: "get",
		path: "/clients/:id",
		who: "reader",
		answer: async (req, actor) => {
			const client = await itemsOf(studio, req, "clients").readOne(readId(req, "clients"), {
				fields: ["company_name", "client_key", "previous_client_key", "previous_credentials_until", "webhook_url"],
			});
			const [overlap] = await callDatabase(studio, "select ?::timestamptz > now() as lasts", [
				client.previous_credentials_until,
			]);
			return {
				company_name: client.company_name,
				client_key: client.client_key,
				previous: overlap!.lasts
					? { client_key: client.previous_client_key, valid_until: client.previous_credentials_until }
					: null,
				webhook_url: client.webhook_url,
				checkout_url: checkoutUrl,
				inbound_webhook_url: `${checkoutUrl}/webhook/${client.client_key}`,
				may_manage: await holdsPolicy(studio, actor, MANAGERS),
				may_replay: await holdsPolicy(studio, actor, REPLAYERS),
			};
		},
	});

	addRoute(router, studio, {
		method: "post",
		path: "/clients/:id/reveal",
		who: MANAGERS,
		answer: async (req, actor) => {
			const id = readId(req, "clients");
			const rows = await callDatabase(studio, "select public.read_client_secrets(?::uuid, ?) as secrets", [id, actor]);
			const sealed = rows[0]!.secrets as Secrets;
			return {
				client_key: sealed.client_key,
				client_salt: decryptSecret(keys, sealed.client_salt, { table: "clients", column: "client_salt", row: id }),
				webhook_secret: decryptSecret(keys, sealed.webhook_secret, {
					table: "clients",
					column: "webhook_secret",
					row: id,
				}),
			};
		},
	});

	// The answer is the only place where the new salt is shown without asking again.
	addRoute(router, studio, {
		method: "post",
		path: "/clients/:id/regenerate-key",
		who: MANAGERS,
		answer: async (req, actor) => {
			const id = readId(req, "clients");
			const body = readBody(req);
			const withWebhookSecret = readOption(body);
			const hours = body.overlap_hours ?? 0;
			if (!Number.isInteger(hours)) refuse(`"overlap_hours" must be a whole number`);
			const made = makeCredentials();
			const [row] = await callDatabase(
				studio,
				"select public.regenerate_client_credentials(?::uuid, ?, ?, ?, ?::integer, ?, ?) as until",
				[
					id,
					made.client_key,
					sealClientSecret(keys, "client_salt", id, made.client_salt),
					// Null leaves the merchant's webhook secret as it is.
					withWebhookSecret ? sealClientSecret(keys, "webhook_secret", id, made.webhook_secret) : null,
					hours,
					readText(body, "reason", 500),
					actor,
				],
			);
			return {
				client_key: made.client_key,
				client_salt: made.client_salt,
				...(withWebhookSecret ? { webhook_secret: made.webhook_secret } : {}),
				previous_valid_until: row!.until,
			};
		},
	});

	addRoute(router, studio, {
		method: "post",
		path: "/clients/:id/end-overlap",
		who: MANAGERS,
		answer: async (req, actor) => {
			await callDatabase(studio, "select public.end_credential_overlap(?::uuid, ?, ?)", [
				readId(req, "clients"),
				readText(readBody(req), "reason", 500),
				actor,
			]);
			return null;
		},
	});
}

function readOption(body: Record<string, unknown>): boolean {
	const value = body.webhook_secret ?? false;
	if (typeof value !== "boolean") throw new InvalidPayloadError({ reason: `"webhook_secret" must be true or false` });
	return value;
}
