/** The integration centre: a merchant's endpoint tested, its events looked at and delivered anew. */
import { decryptSecret, encryptSecret, parseEncryptionKeys } from "../../../../../db/client/secrets.ts";
import { POLICIES } from "../../../../config/policies.ts";
import { areaOf } from "../areas.ts";
import { makeWebhookSecret, placeOfWebhookSecret } from "../secrets/credentials.ts";
import {
	callDatabase,
	isUuid,
	itemsOf,
	type Request,
	type Router,
	readBody,
	readId,
	readText,
	refuse,
	type Studio,
} from "./context.ts";
import { REPLAYERS } from "./credentials.ts";
import { addLive, addRoute } from "./routes.ts";

const MANAGERS = [POLICIES.operator];
const READERS = areaOf("integration").policies;

const ENDPOINTS = "webhook-endpoints";
const PAGE = 25;
const MOST_FOUND = 30;

export function addIntegrationRoutes(router: Router, studio: Studio): void {
	const keys = parseEncryptionKeys(process.env.ENCRYPTION_KEYS ?? "");

	addRoute(router, studio, {
		method: "get",
		path: "/integration/clients",
		who: READERS,
		answer: async (req) => {
			const search = String(req.query.search ?? "").trim();
			const found = await itemsOf(studio, req, "clients").readByQuery({
				fields: ["id", "company_name", "status", "client_key", "webhook_url"],
				...(search !== "" && {
					filter: {
						_or: [
							{ company_name: { _icontains: search } },
							{ client_key: { _starts_with: search } },
							{ webhook_url: { _icontains: search } },
							...(isUuid(search) ? [{ id: { _eq: search } }] : []),
						],
					},
				}),
				sort: ["company_name"],
				limit: MOST_FOUND,
			});
			const [row] = await callDatabase(studio, "select public.count_webhook_endpoints(?::uuid[]) as counts", [
				found.map(({ id }) => id),
			]);
			const counts = row!.counts as Record<string, { endpoints: number; disabled: number }>;
			return found.map((client) => ({ ...client, ...(counts[client.id as string] ?? { endpoints: 0, disabled: 0 }) }));
		},
	});

	addLive(router, studio, {
		path: "/clients/:id/webhooks",
		who: READERS,
		everyMs: 1_000,
		read: async (req) => {
			const id = readId(req, "clients");
			const { which, order_id, endpoint_id } = readChoice(req.query);
			const [row] = await callDatabase(studio, "select public.read_webhook_desk(?::uuid, ?::uuid, ?, ?, ?) as desk", [
				id,
				endpoint_id,
				which,
				order_id,
				PAGE,
			]);
			return row!.desk;
		},
	});

	addRoute(router, studio, {
		method: "get",
		path: "/clients/:id/webhook-log",
		who: READERS,
		answer: async (req) => {
			const { which, order_id, endpoint_id } = readChoice(req.query);
			if (!isUuid(req.query.before)) refuse(`"before" must be the id of an event`);
			const [row] = await callDatabase(
				studio,
				"select public.read_webhook_log(?::uuid, ?::uuid, ?, ?, ?::uuid, ?) as events",
				[readId(req, "clients"), endpoint_id, which, order_id, req.query.before, PAGE],
			);
			return row!.events;
		},
	});

	addRoute(router, studio, {
		method: "get",
		path: "/webhook-events/:id",
		who: READERS,
		answer: async (req) => {
			const id = readId(req, "webhook-events");
			const [row] = await callDatabase(studio, "select public.read_webhook_event(?::uuid) as event", [id]);
			return row!.event;
		},
	});

	addRoute(router, studio, {
		method: "post",
		path: "/webhook-events/:id/replay",
		who: REPLAYERS,
		answer: async (req, actor) => {
			await callDatabase(studio, "select public.replay_webhook_event(?::uuid, ?, ?)", [
				readId(req, "webhook-events"),
				readReason(req),
				actor,
			]);
			return null;
		},
	});

	addRoute(router, studio, {
		method: "get",
		path: "/webhook-endpoints/:id/replay-count",
		who: MANAGERS,
		answer: async (req) => {
			const { which, from, to } = readRange(req.query);
			const [row] = await callDatabase(
				studio,
				"select public.count_webhook_replay(?::uuid, ?, ?::timestamptz, ?::timestamptz) as count",
				[readId(req, ENDPOINTS), which, from, to],
			);
			return row!.count;
		},
	});

	addRoute(router, studio, {
		method: "post",
		path: "/webhook-endpoints/:id/replays",
		who: MANAGERS,
		answer: async (req, actor) => {
			const { which, from, to } = readRange(readBody(req));
			const [row] = await callDatabase(
				studio,
				"select public.start_webhook_replay(?::uuid, ?, ?::timestamptz, ?::timestamptz, ?, ?) as id",
				[readId(req, ENDPOINTS), which, from, to, readReason(req), actor],
			);
			return row!.id;
		},
	});

	addRoute(router, studio, {
		method: "post",
		path: "/webhook-replays/:id/stop",
		who: MANAGERS,
		answer: async (req, actor) => {
			await callDatabase(studio, "select public.stop_webhook_replay(?::uuid, ?, ?)", [
				readId(req, "webhook-replays"),
				readReason(req),
				actor,
			]);
			return null;
		},
	});

	addRoute(router, studio, {
		method: "post",
		path: "/webhook-endpoints/:id/test",
		who: MANAGERS,
		answer: async (req, actor) => {
			const [row] = await callDatabase(studio, "select public.request_webhook_test(?::uuid, ?) as id", [
				readId(req, ENDPOINTS),
				actor,
			]);
			return row!.id;
		},
	});

	// What an endpoint answers may hold anything: for who may test it only.
	addLive(router, studio, {
		path: "/clients/:id/webhook-test",
		who: MANAGERS,
		read: async (req) => {
			const [row] = await callDatabase(studio, "select public.read_webhook_test(?::uuid) as test", [
				readId(req, "clients"),
			]);
			return row!.test;
		},
	});

	// The secret is shown here, and then to who reveals it.
	addRoute(router, studio, {
		method: "post",
		path: "/clients/:id/webhook-endpoints",
		who: MANAGERS,
		answer: async (req, actor) => {
			const client_id = readId(req, "clients");
			const settings = readSettings(readBody(req));
			const [made] = await callDatabase(studio, "select uuidv7() as id", []);
			const id = made!.id as string;
			const secret = makeWebhookSecret();
			await callDatabase(studio, "select public.add_webhook_endpoint(?::uuid, ?::uuid, ?, ?::jsonb, ?, ?, ?)", [
				client_id,
				id,
				...settings,
				encryptSecret(keys, secret, placeOfWebhookSecret(client_id, id)),
				actor,
			]);
			return { id, secret };
		},
	});

	addRoute(router, studio, {
		method: "patch",
		path: "/webhook-endpoints/:id",
		who: MANAGERS,
		answer: async (req, actor) => {
			await callDatabase(studio, "select public.change_webhook_endpoint(?::uuid, ?, ?::jsonb, ?, ?, ?)", [
				readId(req, ENDPOINTS),
				...readSettings(readBody(req)),
				readReason(req),
				actor,
			]);
			return null;
		},
	});

	for (const verb of ["disable", "remove"] as const) {
		addRoute(router, studio, {
			method: "post",
			path: `/webhook-endpoints/:id/${verb}`,
			who: MANAGERS,
			answer: async (req, actor) => {
				await callDatabase(studio, `select public.${verb}_webhook_endpoint(?::uuid, ?, ?)`, [
					readId(req, ENDPOINTS),
					readReason(req),
					actor,
				]);
				return null;
			},
		});
	}

	addRoute(router, studio, {
		method: "post",
		path: "/webhook-endpoints/:id/enable",
		who: MANAGERS,
		answer: async (req, actor) => {
			const with_held = readBody(req).with_held ?? true;
			if (typeof with_held !== "boolean") refuse(`"with_held" must be true or false`);
			const [row] = await callDatabase(studio, "select public.enable_webhook_endpoint(?::uuid, ?, ?, ?) as replay_id", [
				readId(req, ENDPOINTS),
				with_held,
				readReason(req),
				actor,
			]);
			return { replay_id: row!.replay_id };
		},
	});

	addRoute(router, studio, {
		method: "post",
		path: "/webhook-endpoints/:id/rotate-secret",
		who: MANAGERS,
		answer: async (req, actor) => {
			const id = readId(req, ENDPOINTS);
			const body = readBody(req);
			const hours = body.overlap_hours ?? 24;
			if (!Number.isInteger(hours)) refuse(`"overlap_hours" must be a whole number`);
			const secret = makeWebhookSecret();
			const [row] = await callDatabase(
				studio,
				"select public.rotate_webhook_secret(?::uuid, ?, ?::integer, ?, ?) as until",
				[
					id,
					encryptSecret(keys, secret, placeOfWebhookSecret(await clientOf(studio, id), id)),
					hours,
					readReason(req),
					actor,
				],
			);
			return { secret, previous_valid_until: row!.until };
		},
	});

	addRoute(router, studio, {
		method: "post",
		path: "/webhook-endpoints/:id/reveal",
		who: MANAGERS,
		answer: async (req, actor) => {
			const id = readId(req, ENDPOINTS);
			const [row] = await callDatabase(studio, "select public.read_webhook_secret(?::uuid, ?) as secret", [id, actor]);
			const place = placeOfWebhookSecret(await clientOf(studio, id), id);
			return { secret: decryptSecret(keys, row!.secret as string, place) };
		},
	});
}

/** Whose endpoint it is; itself, where it is nobody's, so that what follows refuses it. */
async function clientOf(studio: Studio, endpoint_id: string): Promise<string> {
	const [row] = await callDatabase(studio, "select public.find_endpoint_client(?::uuid) as id", [endpoint_id]);
	return (row!.id as string | null) ?? endpoint_id;
}

/** Address, filter and description, as the functions take them. */
function readSettings(body: Record<string, unknown>): [string | null, string, string | null] {
	return [readText(body, "url", 2000), JSON.stringify(body.event_types ?? ["*"]), readText(body, "description", 200)];
}

const readReason = (req: Request) => readText(readBody(req), "reason", 500);

interface Choice {
	which: "all" | "failed";
	order_id: string | null;
	/** Null: of all endpoints. */
	endpoint_id: string | null;
}

function readChoice(given: Record<string, unknown>): Choice {
	const which = given.which ?? "all";
	if (which !== "all" && which !== "failed") refuse(`"which" must be all or failed`);
	const endpoint_id = given.endpoint_id ?? null;
	if (endpoint_id !== null && !isUuid(endpoint_id)) refuse(`"endpoint_id" must be the id of an endpoint`);
	return { which, order_id: readText(given, "order_id", 100), endpoint_id };
}

function readRange(given: Record<string, unknown>) {
	return { which: readChoice(given).which, from: readTime(given, "from"), to: readTime(given, "to") };
}

function readTime(given: Record<string, unknown>, name: string): string | null {
	const text = readText(given, name, 40);
	if (text === null) return null;
	const time = new Date(text);
	if (Number.isNaN(time.getTime())) refuse(`"${name}" must be a time, e.g. 2026-11-21T09:00:00Z`);
	return time.toISOString();
}
