/** How what merchants owe is collected from their own accounts: where from, what became of it, and collecting it now. */
import { encryptSecret, parseEncryptionKeys } from "../../../../../db/client/secrets.ts";
import { POLICIES } from "../../../../config/policies.ts";
import { areaOf } from "../areas.ts";
import {
	callDatabase,
	isUuid,
	type Request,
	type Router,
	type Row,
	readBody,
	readId,
	readText,
	refuse,
	type Studio,
} from "./context.ts";
import { namesOf } from "./names.ts";
import { addLive, addRoute } from "./routes.ts";

const READS = areaOf("commission").policies;
const ACTS = [POLICIES.finance];
const PAGE = 20;
const SETTINGS = [
	"provider",
	"api_key",
	"source_account",
	"destination",
	"mode",
	"threshold",
	"is_enabled",
	"egress_group",
];
const MAX_SECRET = 4096;

export function addCollectionRoutes(router: Router, studio: Studio, checkoutUrl: string): void {
	const keys = parseEncryptionKeys(process.env.ENCRYPTION_KEYS ?? "");

	async function collection(req: Request): Promise<Row & { payouts: Row[]; has_more: boolean }> {
		const before = req.query.before ?? null;
		if (before !== null && !isUuid(before)) refuse(`"before" must be the id of a payout`);
		const [row] = await callDatabase(studio, "select public.read_collection(?::uuid, ?::uuid, ?) as row", [
			readId(req, "commission"),
			before,
			PAGE + 1,
		]);
		const { client_key, ...read } = row!.row as Row & { payouts: Row[] };
		const payouts = read.payouts.slice(0, PAGE);
		const people = payouts.map(({ asked_by }) => asked_by).filter(isUuid);
		const nameOf = await namesOf(studio, people);
		return {
			...read,
			// for who enters it in the PSP's dashboard
			webhook_url: `${checkoutUrl}/webhook/${client_key}/payouts`,
			payouts: payouts.map((payout) =>
				isUuid(payout.asked_by) ? { ...payout, asked_by: nameOf(payout.asked_by as string) } : payout,
			),
			has_more: read.payouts.length > PAGE,
		};
	}

	addLive(router, studio, {
		path: "/commission/:id/collection",
		who: READS,
		everyMs: 1_000,
		read: collection,
	});

	addRoute(router, studio, {
		method: "get",
		path: "/commission/:id/payouts",
		who: READS,
		answer: async (req) => {
			const { payouts, has_more } = await collection(req);
			return { payouts, has_more };
		},
	});

	addRoute(router, studio, {
		method: "patch",
		path: "/commission/:id/collection",
		who: ACTS,
		answer: async (req, actor) => {
			const client_id = readId(req, "commission");
			const body = readBody(req);
			const settings = Object.fromEntries(SETTINGS.filter((name) => name in body).map((name) => [name, body[name]]));
			const seal = (column: "api_secret" | "webhook_secret") => {
				const plaintext = readText(body, column, MAX_SECRET)?.trim();
				return plaintext
					? encryptSecret(keys, plaintext, { table: "collection_accounts", column, row: client_id })
					: null;
			};
			await callDatabase(studio, "select public.save_collection_account(?::uuid, ?::jsonb, ?, ?, ?, ?)", [
				client_id,
				JSON.stringify(settings),
				seal("api_secret"),
				seal("webhook_secret"),
				readText(body, "reason", 500),
				actor,
			]);
			return null;
		},
	});

	// One that nothing ends by itself, by somebody who has looked at the PSP's dashboard and our bank account.
	addRoute(router, studio, {
		method: "post",
		path: "/commission/payouts/:id/resolve",
		who: ACTS,
		answer: async (req, actor) => {
			const body = readBody(req);
			if (!Number.isSafeInteger(body.received)) refuse(`"received" must be whole paise, 0 when nothing came`);
			const [row] = await callDatabase(studio, "select public.resolve_payout(?::uuid, ?::bigint, ?, ?) as payout", [
				readId(req, "payouts"),
				body.received,
				readText(body, "reason", 500),
				actor,
			]);
			return row!.payout;
		},
	});

	addRoute(router, studio, {
		method: "post",
		path: "/commission/:id/payouts",
		who: ACTS,
		answer: async (req, actor) => {
			const [row] = await callDatabase(studio, "select public.request_payout(?::uuid, ?, ?) as payout", [
				readId(req, "commission"),
				readText(readBody(req), "reason", 500),
				actor,
			]);
			return row!.payout;
		},
	});
}
