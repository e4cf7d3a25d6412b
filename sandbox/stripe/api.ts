import { timingSafeEqual } from "node:crypto";
import { type NextFunction, type Request, type Response, Router } from "express";
import { z } from "zod";
import { randomAlphanumeric } from "../ids.ts";
import { invalid, invalidKey, noKey, noSuch, refused, StripeError, unknownUrl } from "./errors.ts";
import { type Form, paramName, parseForm } from "./form.ts";
import { endOverdue, expireSession, refundCharge, type StripeContext } from "./payments.ts";
import { type Charge, type Session, type StoredOrder, type StripeObject, unixNow } from "./store.ts";
import { API_VERSION } from "./webhooks.ts";

/** In the smallest unit; Stripe's least charge in each. */
const LEAST_AMOUNT: Record<string, number> = {
	inr: 50,
	usd: 50,
	eur: 50,
	gbp: 30,
	sgd: 50,
	aed: 200,
	aud: 50,
	cad: 50,
};
const MOST_AMOUNT = 99_999_999_99;
const SHORTEST_SESSION_S = 30 * 60;
const LONGEST_SESSION_S = 24 * 60 * 60;
const MAX_EXPANSION_DEPTH = 4;

const int = z
	.string()
	.regex(/^-?\d{1,15}$/, { error: ({ input }) => `Invalid integer: ${input}` })
	.transform(Number);
const bool = z.enum(["true", "false"]).transform((value) => value === "true");
const currency = z.string().toLowerCase();
const url = z.url({ protocol: /^https?$/, error: "Not a valid URL" }).max(5_000);
const metadata = z
	.record(
		z.string().max(40, { error: "Metadata keys can have up to 40 characters" }),
		z.string().max(500, { error: "Metadata values can have up to 500 characters" }),
	)
	.refine((entries) => Object.keys(entries).length <= 50, { error: "Metadata can have up to 50 keys" })
	.default({});
const expand = z.array(z.string()).default([]);
const time = z.union([int, z.strictObject({ gt: int, gte: int, lt: int, lte: int }).partial()]);
const page = {
	limit: int.refine((limit) => limit >= 1 && limit <= 100, { error: "A limit is between 1 and 100" }).default(10),
	starting_after: z.string().optional(),
	expand,
};

const createSessionSchema = z.strictObject({
	mode: z.literal("payment", { error: "The sandbox has sessions in payment mode only" }),
	success_url: url,
	cancel_url: url.optional(),
	client_reference_id: z.string().max(200).optional(),
	customer_email: z.string().max(512).optional(),
	expires_at: int.optional(),
	line_items: z
		.array(
			z.strictObject({
				quantity: int.default(1),
				price_data: z.strictObject({
					currency,
					unit_amount: int,
					product_data: z.strictObject({ name: z.string().min(1).max(5_000), description: z.string().optional() }),
				}),
			}),
		)
		.min(1)
		.max(100),
	metadata,
	payment_intent_data: z
		.strictObject({
			capture_method: z.enum(["automatic", "automatic_async", "manual"]).default("automatic_async"),
			description: z.string().optional(),
			metadata,
			transfer_data: z.strictObject({ destination: z.string(), amount: int.optional() }).optional(),
			transfer_group: z.string().optional(),
		})
		.prefault({}),
	allowed_payment_method_types: z.array(z.string()).optional(),
	adaptive_pricing: z.strictObject({ enabled: bool }).optional(),
	locale: z.string().optional(),
	submit_type: z.enum(["auto", "pay"]).optional(),
	expand,
});
const createRefundSchema = z.strictObject({
	payment_intent: z.string().optional(),
	charge: z.string().optional(),
	amount: int.optional(),
	reason: z.enum(["duplicate", "fraudulent", "requested_by_customer"]).optional(),
	metadata,
	expand,
});
const createTransferSchema = z.strictObject({
	amount: int,
	currency,
	destination: z.string(),
	source_transaction: z.string(),
	metadata,
	description: z.string().optional(),
	expand,
});
const justExpand = z.strictObject({ expand });
const listSessionsSchema = z.strictObject({
	...page,
	created: time.optional(),
	status: z.enum(["open", "complete", "expired"]).optional(),
	payment_intent: z.string().optional(),
});
const listRefundsSchema = z.strictObject({
	...page,
	created: time.optional(),
	payment_intent: z.string().optional(),
	charge: z.string().optional(),
});
const listTransfersSchema = z.strictObject({
	...page,
	created: time.optional(),
	transfer_group: z.string().optional(),
	destination: z.string().optional(),
});
const listPayoutsSchema = z.strictObject({ ...page, arrival_date: time.optional(), status: z.string().optional() });
const listBalanceSchema = z.strictObject({
	...page,
	created: time.optional(),
	payout: z.string().optional(),
	type: z.string().optional(),
});

function parse<Schema extends z.ZodType>(schema: Schema, form: Form): z.output<Schema> {
	const result = schema.safeParse(form);
	if (result.success) return result.data;
	const issue = result.error.issues[0]!;
	if (issue.code === "unrecognized_keys") {
		const param = paramName([...issue.path, issue.keys[0]!]);
		throw invalid(`Received unknown parameter: ${param}`, param, "parameter_unknown");
	}
	const param = paramName(issue.path);
	const is_missing = valueAt(form, issue.path) === undefined;
	if (is_missing) throw invalid(`Missing required param: ${param}.`, param, "parameter_missing");
	throw invalid(
		issue.message,
		param,
		issue.message.startsWith("Invalid integer") ? "parameter_invalid_integer" : undefined,
	);
}

function valueAt(form: unknown, path: readonly PropertyKey[]): unknown {
	return path.reduce<unknown>((value, part) => (value as Record<PropertyKey, unknown> | undefined)?.[part], form);
}

function sameText(left: string, right: string): boolean {
	const a = Buffer.from(left);
	const b = Buffer.from(right);
	return a.length === b.length && timingSafeEqual(a, b);
}

/** The account that the secret key belongs to; as a bearer's token, or as the user of Basic credentials. */
function authenticate({ registry }: StripeContext, req: Request): string {
	const [scheme = "", credentials = ""] = (req.headers.authorization ?? "").split(" ", 2);
	const is_basic = scheme.toLowerCase() === "basic";
	if (!is_basic && scheme.toLowerCase() !== "bearer") throw noKey();
	const key = is_basic ? Buffer.from(credentials, "base64").toString("utf8").split(":", 1)[0]! : credentials;
	const account = registry
		.accounts()
		.find(({ provider, api_secret }) => provider === "stripe" && sameText(api_secret, key));
	if (account === undefined) throw invalidKey(key);
	return account.api_key;
}

function isWithin(value: number, range: z.output<typeof time> | undefined): boolean {
	if (range === undefined) return true;
	if (typeof range === "number") return value === range;
	const { gt = -Infinity, gte = -Infinity, lt = Infinity, lte = Infinity } = range;
	return value > gt && value >= gte && value < lt && value <= lte;
}

/** The REST interface, with Stripe's paths, rules and words. */
export function createApi(context: StripeContext): Router {
	const { store } = context;
	const router = Router();

	/** Replaces the ids that a caller wants to see behind, on copies. */
	function expanded(apiKey: string, object: unknown, paths: readonly string[]): unknown {
		return paths.reduce((whole, path) => {
			const parts = path.split(".");
			if (parts.length > MAX_EXPANSION_DEPTH) {
				throw invalid(`You cannot expand more than ${MAX_EXPANSION_DEPTH} levels of a property.`, "expand");
			}
			return expandedAt(apiKey, whole, parts);
		}, object);
	}

	function expandedAt(apiKey: string, object: unknown, [part, ...rest]: readonly string[]): unknown {
		if (part === undefined || typeof object !== "object" || object === null) return object;
		const value = (object as Record<string, unknown>)[part];
		if (Array.isArray(value)) {
			return { ...object, [part]: value.map((item) => expandedAt(apiKey, item, rest)) };
		}
		if (value === undefined) {
			throw invalid(`This property cannot be expanded (${part}).`, "expand");
		}
		const found = typeof value === "string" ? (store.findObject(apiKey, value) ?? value) : value;
		return { ...object, [part]: expandedAt(apiKey, found, rest) };
	}

	function answer(req: Request, res: Response, status: number, body: unknown): void {
		const key = req.get("idempotency-key");
		res.set({
			"Request-Id": `req_${randomAlphanumeric(14)}`,
			"Stripe-Version": req.get("stripe-version") ?? API_VERSION,
			...(key !== undefined && { "Idempotency-Key": key }),
		});
		res.status(status).json(body);
	}

	const read =
		<Schema extends z.ZodType<{ expand: string[] }>>(
			schema: Schema,
			find: (apiKey: string, req: Request, params: z.output<Schema>) => unknown,
		) =>
		(req: Request, res: Response): void => {
			const api_key = authenticate(context, req);
			const params = parse(schema, parseForm(req.url.split("?", 2)[1] ?? ""));
			answer(req, res, 200, expanded(api_key, find(api_key, req, params), params.expand));
		};

	/** The first answer to an idempotency key is the answer to every later call with it. */
	const write =
		<Schema extends z.ZodType<{ expand: string[] }>>(
			schema: Schema,
			act: (apiKey: string, req: Request, params: z.output<Schema>) => unknown,
		) =>
		(req: Request, res: Response): void => {
			const api_key = authenticate(context, req);
			const body = Buffer.isBuffer(req.body) ? req.body.toString("utf8") : "";
			const key = req.get("idempotency-key");
			const request = `${req.method} ${req.path} ${body}`;
			const kept = key === undefined ? undefined : store.keptAnswer(api_key, key);
			if (kept !== undefined && kept.request !== request) {
				throw new StripeError(
					400,
					`Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
					{ type: "idempotency_error" },
				);
			}
			if (kept !== undefined) {
				res.set("Idempotent-Replayed", "true");
				answer(req, res, kept.status, kept.body);
				return;
			}
			const keep = (status: number, kept_body: unknown) => {
				if (key === undefined) return;
				store.keepAnswer(api_key, key, { request, status, body: structuredClone(kept_body) });
			};
			try {
				const params = parse(schema, parseForm(body));
				const made = expanded(api_key, act(api_key, req, params), params.expand);
				keep(200, made);
				answer(req, res, 200, made);
			} catch (error) {
				if (error instanceof StripeError && error.was_executed) keep(error.status, error.body);
				throw error;
			}
		};

	function listOf<Item extends StripeObject>(
		req: Request,
		items: Item[],
		{ limit, starting_after }: { limit: number; starting_after?: string | undefined },
	) {
		const start = starting_after === undefined ? 0 : items.findIndex(({ id }) => id === starting_after) + 1;
		if (starting_after !== undefined && start === 0) throw noSuch("object", starting_after, "starting_after");
		return {
			object: "list",
			data: items.slice(start, start + limit),
			has_more: start + limit < items.length,
			url: `/v1${req.path}`,
		};
	}

	function objectOf(apiKey: string, kind: StripeObject["object"], id: string, param = "id"): StripeObject {
		const object = store.findObject(apiKey, id);
		if (object === undefined || object.object !== kind) throw noSuch(kind.replaceAll(".", " "), id, param);
		return object;
	}

	function sessionOf(apiKey: string, req: Request): StoredOrder {
		const id = String(req.params.id);
		const stored = store.findOrder(id);
		if (stored === undefined || stored.api_key !== apiKey) throw noSuch("checkout.session", id, "session");
		endOverdue(context, stored);
		return stored;
	}

	router.post(
		"/checkout/sessions",
		write(createSessionSchema, (api_key, req, params): Session => {
			const currencies = new Set(params.line_items.map((item) => item.price_data.currency));
			const [session_currency = ""] = currencies;
			const least = LEAST_AMOUNT[session_currency];
			if (currencies.size > 1 || least === undefined) {
				throw invalid(`Invalid currency: ${[...currencies].join(", ")}.`, "line_items[0][price_data][currency]");
			}
			const amount = params.line_items.reduce((sum, item) => sum + item.quantity * item.price_data.unit_amount, 0);
			if (amount < least) {
				const message = `The Checkout Session's total amount due must add up to at least ${least} of the smallest unit of ${session_currency}`;
				throw invalid(message, "line_items", "amount_too_small");
			}
			if (amount > MOST_AMOUNT) {
				throw invalid("The Checkout Session's total amount is too large.", "line_items", "amount_too_large");
			}
			const { customer_email, payment_intent_data, allowed_payment_method_types: methods } = params;
			if (customer_email !== undefined && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(customer_email)) {
				throw invalid(`Invalid email address: ${customer_email}`, "customer_email", "email_invalid");
			}
			const { transfer_data, description = null, transfer_group = null } = payment_intent_data;
			if (transfer_data !== undefined && !/^acct_\w+$/.test(transfer_data.destination)) {
				const param = "payment_intent_data[transfer_data][destination]";
				throw invalid(`No such destination: '${transfer_data.destination}'`, param, "resource_missing");
			}
			if (transfer_data?.amount !== undefined && (transfer_data.amount < 1 || transfer_data.amount > amount)) {
				const param = "payment_intent_data[transfer_data][amount]";
				throw invalid("The transfer's amount must be between 1 and the amount that is paid", param);
			}
			const now = unixNow();
			const expires_at = params.expires_at ?? now + LONGEST_SESSION_S;
			if (expires_at < now + SHORTEST_SESSION_S) {
				const message = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.";
				throw invalid(message, "expires_at");
			}
			if (expires_at > now + LONGEST_SESSION_S) {
				const message = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.";
				throw invalid(message, "expires_at");
			}
			return store.createSession(api_key, {
				amount,
				currency: session_currency,
				product: params.line_items.map((item) => item.price_data.product_data.name).join(", "),
				cancel_url: params.cancel_url ?? null,
				client_reference_id: params.client_reference_id ?? null,
				customer_email: customer_email ?? null,
				expires_at,
				methods: methods ?? null,
				metadata: params.metadata,
				success_url: params.success_url,
				intent: {
					...payment_intent_data,
					description,
					transfer_group,
					transfer_data:
						transfer_data === undefined ? null : { ...transfer_data, amount: transfer_data.amount ?? amount },
				},
				page_url: `${req.protocol}://${req.get("host")}/stripe/c/pay`,
			}).session;
		}),
	);
	router.get(
		"/checkout/sessions",
		read(listSessionsSchema, (api_key, req, params) => {
			const sessions = store
				.listSessions(api_key)
				.filter(
					(session) =>
						isWithin(session.created, params.created) &&
						(params.status ?? session.status) === session.status &&
						(params.payment_intent ?? session.payment_intent) === session.payment_intent,
				);
			return listOf(req, sessions, params);
		}),
	);
	router.get(
		"/checkout/sessions/:id",
		read(justExpand, (api_key, req) => sessionOf(api_key, req).session),
	);
	router.post(
		"/checkout/sessions/:id/expire",
		write(justExpand, (api_key, req) => {
			const stored = sessionOf(api_key, req);
			const { status } = stored.session;
			if (status !== "open") {
				throw refused(
					`Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of \`${status}\`.`,
				);
			}
			expireSession(context, stored);
			return stored.session;
		}),
	);

	router.get(
		"/payment_intents/:id",
		read(justExpand, (api_key, req) => objectOf(api_key, "payment_intent", String(req.params.id), "intent")),
	);
	router.get(
		"/charges/:id",
		read(justExpand, (api_key, req) => objectOf(api_key, "charge", String(req.params.id))),
	);

	router.post(
		"/refunds",
		write(createRefundSchema, (api_key, _req, params) => {
			const { payment_intent, charge: charge_id, amount, reason = null, metadata } = params;
			if (payment_intent === undefined && charge_id === undefined) {
				throw invalid("One of the following params should be provided for this request: payment_intent or charge.");
			}
			const stored = store.orderOf(api_key, (payment_intent ?? charge_id)!);
			if (stored === undefined) {
				throw payment_intent === undefined
					? noSuch("charge", charge_id!, "charge")
					: noSuch("payment_intent", payment_intent, "payment_intent");
			}
			if (amount !== undefined && amount < 1) {
				throw invalid("This value must be greater than or equal to 1.", "amount", "parameter_invalid_integer");
			}
			const charge = stored.charges.find(({ captured }) => captured);
			if (charge === undefined) {
				throw refused(`This PaymentIntent (${payment_intent}) does not have a successful charge to refund.`, {
					code: "payment_intent_unexpected_state",
					param: "payment_intent",
				});
			}
			return refundCharge(context, stored, charge, { amount, reason, metadata });
		}),
	);
	router.get(
		"/refunds",
		read(listRefundsSchema, (api_key, req, params) => {
			const about = params.payment_intent ?? params.charge;
			const refunds =
				about === undefined ? store.refunds(api_key) : [...(store.orderOf(api_key, about)?.refunds ?? [])].reverse();
			if (about !== undefined && store.orderOf(api_key, about) === undefined) {
				throw noSuch("payment_intent", about, "payment_intent");
			}
			return listOf(
				req,
				refunds.filter((refund) => isWithin(refund.created, params.created)),
				params,
			);
		}),
	);
	router.get(
		"/refunds/:id",
		read(justExpand, (api_key, req) => objectOf(api_key, "refund", String(req.params.id))),
	);

	router.post(
		"/transfers",
		write(createTransferSchema, (api_key, _req, params) => {
			const { amount, currency: asked, destination, source_transaction, metadata } = params;
			if (!/^acct_\w+$/.test(destination)) {
				throw invalid(`No such destination: '${destination}'`, "destination", "resource_missing");
			}
			const charge = objectOf(api_key, "charge", source_transaction, "source_transaction") as Charge;
			if (amount < 1) throw invalid("This value must be greater than or equal to 1.", "amount");
			if (asked !== charge.currency) {
				throw refused("The currency must be that of the source transaction.", { param: "currency" });
			}
			return store.transfer(store.orderOf(api_key, charge.id)!, charge, { destination, amount, metadata });
		}),
	);
	router.get(
		"/transfers",
		read(listTransfersSchema, (api_key, req, params) => {
			const transfers = store
				.transfers(api_key)
				.filter(
					(transfer) =>
						isWithin(transfer.created, params.created) &&
						(params.transfer_group ?? transfer.transfer_group) === transfer.transfer_group &&
						(params.destination ?? transfer.destination) === transfer.destination,
				);
			return listOf(req, transfers, params);
		}),
	);
	router.get(
		"/transfers/:id",
		read(justExpand, (api_key, req) => objectOf(api_key, "transfer", String(req.params.id))),
	);

	router.get(
		"/payouts",
		read(listPayoutsSchema, (api_key, req, params) => {
			const payouts = store
				.payouts(api_key)
				.filter(
					(payout) =>
						isWithin(payout.arrival_date, params.arrival_date) && (params.status ?? payout.status) === payout.status,
				);
			return listOf(req, payouts, params);
		}),
	);
	router.get(
		"/payouts/:id",
		read(justExpand, (api_key, req) => objectOf(api_key, "payout", String(req.params.id))),
	);
	router.get(
		"/balance_transactions",
		read(listBalanceSchema, (api_key, req, params) => {
			const lines = store
				.balanceTransactions(api_key, params.payout)
				.filter((line) => isWithin(line.created, params.created) && (params.type ?? line.type) === line.type);
			const reported = context.registry.settlement_differences.apply(
				"stripe",
				lines,
				(line, order) =>
					line.type === "charge" && (store.searchOrder(order)?.charges ?? []).some(({ id }) => id === line.source),
				(line, { amount, fee }) => ({
					...line,
					amount: line.amount + amount,
					fee: line.fee + fee,
					net: line.net + amount - fee,
				}),
			);
			return listOf(req, reported, params);
		}),
	);
	router.get(
		"/balance_transactions/:id",
		read(justExpand, (api_key, req) => objectOf(api_key, "balance_transaction", String(req.params.id))),
	);

	router.use((req) => {
		authenticate(context, req);
		throw unknownUrl(req.method, `/v1${req.path}`);
	});
	router.use((error: unknown, req: Request, res: Response, next: NextFunction) => {
		if (!(error instanceof StripeError)) return next(error);
		answer(req, res, error.status, error.body);
	});
	return router;
}
