/** What operators' own programs may do: the studio's REST in the manner of the merchant API. Directus decides by the token. */
import { type Request, type Response, Router } from "express";
import type { z } from "zod";
import { DomainError } from "../../../db/client/errors.ts";
import type { Dependencies } from "../../dependencies.ts";
import { parseJsonBody, readBody, requireJson } from "../../middleware/raw-body.ts";
import { sendJson } from "../../middleware/send-json.ts";
import { NOTHING, parseWith } from "../../middleware/validation.ts";
import { AddressLimiter } from "./address-limiter.ts";
import {
	ActOnQueue,
	AuditQuery,
	CreateGateway,
	Gateway,
	GatewayId,
	GatewaysQuery,
	LedgerQuery,
	QueueAction,
	QueueJobsQuery,
	ToggleGateway,
	UpdateGateway,
	WhatsappQuery,
} from "./schema.ts";
import { openStudio, type Row, type StudioAsPerson } from "./studio.ts";

const MOST_A_MINUTE = 120;
/** Whoever tries tokens out is stopped sooner. */
const MOST_REFUSED_A_MINUTE = 20;

const TOKEN = /^Bearer ([\w.~+/=-]{8,4096})$/;

type Answer = (studio: StudioAsPerson, req: Request, res: Response) => Promise<unknown>;

export function adminRoutes({ env }: Dependencies): Router {
	const requests = new AddressLimiter(MOST_A_MINUTE);
	const refusals = new AddressLimiter(MOST_REFUSED_A_MINUTE);
	const router = Router();

	/** Lets the request through to the studio as the person whose token it carries. */
	const asPerson =
		(answer: Answer) =>
		async (req: Request, res: Response): Promise<void> => {
			const address = req.ip ?? "";
			requests.count(address);
			refusals.check(address);
			const token = TOKEN.exec(req.headers.authorization ?? "")?.[1];
			if (token === undefined) {
				throw new DomainError("invalid_credentials", {
					message: "Send the header Authorization: Bearer <your token of the studio>.",
					param: "Authorization",
				});
			}
			try {
				sendJson(res, 200, await answer(openStudio(env.STUDIO_URL, token), req, res));
			} catch (error) {
				if (error instanceof DomainError && error.code === "invalid_credentials") refusals.count(address);
				throw error;
			}
		};

	router.get(
		"/admin/gateways",
		asPerson(async (studio, req) => {
			const { limit, page, ...wanted } = parseWith(GatewaysQuery, req.query);
			const { data, has_more } = await studio.list("payment_gateways", {
				filter: equal(wanted),
				sort: "id",
				limit,
				page,
			});
			return { data: data.map(showGateway), has_more };
		}),
	);

	router.post(
		"/admin/gateways",
		requireJson,
		readBody,
		asPerson(async (studio, req) => {
			const gateway = parseWith(CreateGateway, parseJsonBody(req));
			return showGateway(await studio.create("payment_gateways", toColumns(gateway)));
		}),
	);

	router.get(
		"/admin/gateways/:id",
		asPerson(async (studio, req) => showGateway(await studio.read("payment_gateways", readId(req)))),
	);

	router.patch(
		"/admin/gateways/:id",
		requireJson,
		readBody,
		asPerson(async (studio, req) => {
			const changes = parseWith(UpdateGateway, parseJsonBody(req));
			return showGateway(await studio.update("payment_gateways", readId(req), toColumns(changes)));
		}),
	);

	router.post(
		"/admin/gateways/:id/toggle",
		readBody,
		asPerson(async (studio, req) => {
			const id = readId(req);
			const wanted = parseWith(ToggleGateway, parseJsonBody(req));
			const is_active = wanted.is_active ?? !(await studio.read("payment_gateways", id)).is_active;
			return showGateway(await studio.update("payment_gateways", id, { is_active }));
		}),
	);

	router.get(
		"/admin/queues",
		asPerson((studio, req) => {
			parseWith(NOTHING, req.query);
			return studio.call("GET", "/lightspeedpay/queues");
		}),
	);

	router.get(
		"/admin/queues/jobs",
		asPerson(async (studio, req) => {
			const { queue, state, before } = parseWith(QueueJobsQuery, req.query);
			const query = new URLSearchParams({ state, ...(before !== undefined && { before }) });
			return { data: await studio.call("GET", `${addressOf(queue)}/jobs?${query}`) };
		}),
	);

	router.post(
		"/admin/queues/:action",
		requireJson,
		readBody,
		asPerson(async (studio, req) => {
			const action = QueueAction.safeParse(req.params.action);
			if (!action.success) throw new DomainError("not_found", { message: "There is no such action on a queue." });
			const { queue, ...rest } = parseWith(ActOnQueue, parseJsonBody(req));
			return (await studio.call<object | null>("POST", `${addressOf(queue)}/${action.data}`, rest)) ?? {};
		}),
	);

	for (const [path, collection, query] of [
		["/admin/whatsapp", "whatsapp_notifications", WhatsappQuery],
		["/admin/commission/ledger", "wallet_entries", LedgerQuery],
		["/admin/audit", "audit_log", AuditQuery],
	] as const) {
		router.get(
			path,
			asPerson(async (studio, req) => {
				const { limit, page, created_gte, created_lt, ...wanted } = parseWith(query, req.query);
				const filter = equal(wanted);
				if (created_gte !== undefined) filter.push({ created_at: { _gte: created_gte } });
				if (created_lt !== undefined) filter.push({ created_at: { _lt: created_lt } });
				// Ids rise with time, and have an index.
				const { data, has_more } = await studio.list(collection, { filter, sort: "-id", limit, page });
				return { data: data.map(withNumbers), has_more };
			}),
		);
	}

	return router;
}

const addressOf = (queue: string): string => `/lightspeedpay/queues/${encodeURIComponent(queue)}`;

const equal = (wanted: Record<string, unknown>): Record<string, unknown>[] =>
	Object.entries(wanted)
		.filter(([, value]) => value !== undefined)
		.map(([field, value]) => ({ [field]: { _eq: value } }));

function readId(req: Request): string {
	const id = GatewayId.safeParse(req.params.id);
	if (!id.success) throw new DomainError("not_found");
	return id.data;
}

/** Secrets go in by the columns that take them; what comes out has none. */
function toColumns({ api_secret, webhook_secret, ...rest }: z.output<typeof UpdateGateway>): Row {
	return {
		...rest,
		...(api_secret !== undefined && { new_api_secret: api_secret }),
		...(webhook_secret !== undefined && { new_webhook_secret: webhook_secret }),
	};
}

function showGateway(row: Row): z.output<typeof Gateway> {
	const shown = Object.entries(withNumbers(row)).filter(([field]) => field in Gateway.shape);
	return Object.fromEntries(shown);
}

/** Paise and entry numbers, which Directus writes as texts, and which are all exact as numbers. */
const WHOLE_NUMBERS = ["monthly_limit", "min_amount", "max_amount", "amount", "balance_after", "entry_no"];

function withNumbers(row: Row): Row {
	const numbers = WHOLE_NUMBERS.filter((field) => typeof row[field] === "string");
	return { ...row, ...Object.fromEntries(numbers.map((field) => [field, Number(row[field])])) };
}
