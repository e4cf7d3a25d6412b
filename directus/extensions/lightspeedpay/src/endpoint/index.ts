/**
 * What an operator does with a client's credentials. Endpoints of extensions are open to everybody unless they check, so each
 * route looks the person's rights up anew: a role taken away counts at once, whatever their token says.
 */
import { ForbiddenError, InvalidPayloadError, RouteNotFoundError } from "@directus/errors";
import { defineEndpoint } from "@directus/extensions-sdk";
import { decryptSecret, parseEncryptionKeys } from "../../../../../db/client/secrets.ts";
import { roles } from "../../../../config/roles.ts";
import { makeCredentials, sealClientSecret } from "../secrets/credentials.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

interface Request {
	params: Record<string, string | undefined>;
	body: unknown;
	accountability?: { user: string | null; share?: string | null } | null;
	schema: unknown;
}

interface Response {
	set(name: string, value: string): Response;
	json(body: unknown): void;
}

type Handler = (req: Request, res: Response, next: (error: unknown) => void) => void;

export default defineEndpoint({
	id: "lightspeedpay",
	handler: (router, { database, services }) => {
		const keys = parseEncryptionKeys(process.env.ENCRYPTION_KEYS ?? "");
		const checkoutUrl = (process.env.PUBLIC_CHECKOUT_URL ?? "").replace(/\/+$/, "");

		/** Credentials never stay in a cache. */
		const route =
			(answer: (req: Request) => Promise<unknown>): Handler =>
			(req, res, next) => {
				answer(req).then((data) => {
					res.set("Cache-Control", "no-store").json({ data });
				}, next);
			};

		async function mayManageCredentials(user: string): Promise<boolean> {
			const { rows } = await database.raw(
				`with recursive held as (
					select role as id from directus.directus_users where id = ? and status = 'active'
					union
					select r.parent from directus.directus_roles r join held on held.id = r.id where r.parent is not null
				)
				select from directus.directus_access a
				join directus.directus_policies p on p.id = a.policy
				join directus.directus_users u on u.id = ? and u.status = 'active'
				where (a."user" = u.id or a.role in (select id from held)) and (p.admin_access or p.id = ?)
				limit 1`,
				[user, user, roles.operator.policy],
			);
			return rows.length > 0;
		}

		async function requireManager(req: Request): Promise<string> {
			const user = req.accountability?.user ?? null;
			if (user === null || req.accountability?.share || !(await mayManageCredentials(user))) throw new ForbiddenError();
			return user;
		}

		function clientId(req: Request): string {
			const id = req.params.id ?? "";
			if (!UUID.test(id)) throw new RouteNotFoundError({ path: `/lightspeedpay/clients/${id}` });
			return id;
		}

		// What anybody who may read the client sees; no secrets.
		router.get(
			"/clients/:id",
			route(async (req) => {
				const user = req.accountability?.user ?? null;
				if (user === null) throw new ForbiddenError();
				const service = new services.ItemsService("clients", {
					schema: req.schema as never,
					accountability: req.accountability as never,
				});
				const client = await service.readOne(clientId(req), { fields: ["client_key", "webhook_url"] });
				return {
					client_key: client.client_key,
					webhook_url: client.webhook_url,
					checkout_url: checkoutUrl,
					inbound_webhook_url: `${checkoutUrl}/webhook/${client.client_key}`,
					may_manage: await mayManageCredentials(user),
				};
			}) as never,
		);

		router.post(
			"/clients/:id/reveal",
			route(async (req) => {
				const actor = await requireManager(req);
				const id = clientId(req);
				const sealed = await readSecrets(id, actor);
				return {
					client_key: sealed.client_key,
					client_salt: decryptSecret(keys, sealed.client_salt, { table: "clients", column: "client_salt", row: id }),
					webhook_secret: decryptSecret(keys, sealed.webhook_secret, {
						table: "clients",
						column: "webhook_secret",
						row: id,
					}),
				};
			}) as never,
		);

		async function readSecrets(
			id: string,
			actor: string,
		): Promise<{ client_key: string; client_salt: string; webhook_secret: string }> {
			const { rows } = await database
				.raw("select public.read_client_secrets(?::uuid, ?) as secrets", [id, actor])
				.catch(rejectUnknownClient);
			return rows[0].secrets;
		}

		// The answer is the only place where the new salt is shown without asking again.
		router.post(
			"/clients/:id/regenerate-key",
			route(async (req) => {
				const actor = await requireManager(req);
				const id = clientId(req);
				const withWebhookSecret = readOption(req.body);
				const made = makeCredentials();
				await database
					.raw("select public.regenerate_client_credentials(?::uuid, ?, ?, ?, ?)", [
						id,
						made.client_key,
						sealClientSecret(keys, "client_salt", id, made.client_salt),
						// Null leaves the merchant's webhook secret as it is.
						withWebhookSecret ? sealClientSecret(keys, "webhook_secret", id, made.webhook_secret) : null,
						actor,
					] as never)
					.catch(rejectUnknownClient);
				return {
					client_key: made.client_key,
					client_salt: made.client_salt,
					...(withWebhookSecret ? { webhook_secret: made.webhook_secret } : {}),
				};
			}) as never,
		);
	},
});

function readOption(body: unknown): boolean {
	const value = (body as { webhook_secret?: unknown } | undefined)?.webhook_secret ?? false;
	if (typeof value !== "boolean") throw new InvalidPayloadError({ reason: `"webhook_secret" must be true or false` });
	return value;
}

function rejectUnknownClient(error: { code?: string }): never {
	if (error.code === "LS022") throw new ForbiddenError();
	throw error;
}
