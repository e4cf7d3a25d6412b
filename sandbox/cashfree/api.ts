import { timingSafeEqual } from "node:crypto";
import { type NextFunction, type Request, type Response, Router } from "express";
import { randomAlphanumeric } from "../ids.ts";
import {
	authenticationFailed,
	badUrl,
	CashfreeError,
	fieldError,
	orderNotFound,
	paymentNotFound,
	refundNotFound,
} from "./errors.ts";
import { accountOf, type CashfreeContext } from "./payments.ts";
import type { Method, Refund, SettlementLine, Split } from "./store.ts";
import { statusOf } from "./store.ts";
import { refundEvent, sendEvents, settlementEvent } from "./webhooks.ts";
import { orderEntity, paymentEntity, reconEntity, refundEntity } from "./wire.ts";

const VERSIONS = ["2022-09-01", "2023-08-01", "2025-01-01", "2026-01-01"];
const DAY_MS = 86_400_000;
/** When an order says nothing of when it expires. */
const DEFAULT_LIFE_MS = 30 * DAY_MS;
const LEAST_LIFE_MS = 15 * 60_000;
const MAX_REPLAYS = 10_000;
const SETTLEMENT_EVENTS = {
	INITIATED: "SETTLEMENT_INITIATED",
	SUCCESS: "SETTLEMENT_SUCCESS",
	FAILED: "SETTLEMENT_FAILED",
	REVERSED: "SETTLEMENT_REVERSED",
} as const;

type Json = Record<string, unknown>;

function sameText(left: string, right: string): boolean {
	const a = Buffer.from(left);
	const b = Buffer.from(right);
	return a.length === b.length && timingSafeEqual(a, b);
}

/** The client id that the secret belongs to. */
export function authenticate({ registry }: Pick<CashfreeContext, "registry">, req: Request): string {
	const id = req.get("x-client-id") ?? "";
	const account = registry.findAccount("cashfree", id);
	if (account === undefined || !sameText(account.api_secret, req.get("x-client-secret") ?? "")) {
		throw authenticationFailed();
	}
	return id;
}

export function readJson(req: Request): Json {
	if (!Buffer.isBuffer(req.body) || req.body.length === 0) return {};
	try {
		const body: unknown = JSON.parse(req.body.toString("utf8"));
		if (isObject(body)) return body;
	} catch {
		// Answered like any other body that is not an object.
	}
	throw new CashfreeError(400, "invalid json body", "request_invalid");
}

function isObject(value: unknown): value is Json {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Paise; Cashfree takes rupees with two decimals at most. */
export function readAmount(field: string, value: unknown, least: number): number {
	if (value === undefined || value === null) throw fieldError(field, "is missing in the request");
	const text = typeof value === "number" ? String(value) : "";
	const match = /^(\d{1,10})(?:\.(\d{1,2}))?$/.exec(text);
	if (match === null) throw fieldError(field, "should be a number with up to two decimals", value);
	const paise = Number(match[1]) * 100 + Number((match[2] ?? "").padEnd(2, "0"));
	if (paise < least) throw fieldError(field, `should be at least ${least / 100}`, value);
	return paise;
}

function readId(field: string, value: unknown, max: number): string {
	if (typeof value === "string" && /^[A-Za-z0-9_-]+$/.test(value) && value.length >= 3 && value.length <= max) {
		return value;
	}
	throw fieldError(field, `should have 3 to ${max} letters, digits, '_' and '-'`, value);
}

function readText(field: string, value: unknown, max: number, least = 3): string | null {
	if (value === undefined || value === null) return null;
	if (typeof value === "string" && value.length >= least && value.length <= max) return value;
	throw fieldError(field, `should have ${least} to ${max} characters`, value);
}

function readUrl(field: string, value: unknown, protocols: string[]): string | null {
	const url = readText(field, value, 250, 1);
	if (url === null) return null;
	if (URL.canParse(url) && protocols.includes(new URL(url).protocol)) return url;
	throw fieldError(field, "url should be https", value);
}

function readCustomer(value: unknown): Json {
	if (!isObject(value)) throw fieldError("customer_details", "is missing in the request");
	const { customer_id, customer_phone, customer_email, customer_name } = value;
	if (typeof customer_id !== "string" || !/^[\w-]{3,50}$/.test(customer_id)) {
		throw fieldError("customer_details.customer_id", "should be alphanumeric", customer_id);
	}
	if (typeof customer_phone !== "string" || !/^(\d{10}|\+\d{7,15})$/.test(customer_phone)) {
		throw fieldError("customer_details.customer_phone", "should be a valid phone number", customer_phone);
	}
	return {
		customer_id,
		customer_phone,
		customer_email: readText("customer_details.customer_email", customer_email, 100),
		customer_name: readText("customer_details.customer_name", customer_name, 100),
	};
}

function readExpiry(value: unknown): number {
	if (value === undefined || value === null) return Date.now() + DEFAULT_LIFE_MS;
	const time = typeof value === "string" ? Date.parse(value) : Number.NaN;
	if (Number.isNaN(time)) throw fieldError("order_expiry_time", "should be a valid ISO 8601 time", value);
	if (time < Date.now() + LEAST_LIFE_MS || time > Date.now() + DEFAULT_LIFE_MS) {
		throw fieldError("order_expiry_time", "should be between 15 minutes and 30 days from now", value);
	}
	return time;
}

function readTags(value: unknown): Record<string, string> | null {
	if (value === undefined || value === null) return null;
	if (!isObject(value)) throw fieldError("order_tags", "should be an object", value);
	const entries = Object.entries(value);
	if (entries.length > 10) throw fieldError("order_tags", "should have 10 entries at most", value);
	if (entries.some(([, tag]) => typeof tag !== "string" || tag.length > 255)) {
		throw fieldError("order_tags", "should have values of 255 characters at most", value);
	}
	return Object.fromEntries(entries) as Record<string, string>;
}

/** Every POST with this header is answered once; the answer, an error too, is repeated to who sends it again. */
interface Replay {
	request: string;
	status: number;
	body: unknown;
}

/** The REST interface, with Cashfree's paths, rules and words. */
export function createApi(context: CashfreeContext): Router {
	const { store, sender } = context;
	const router = Router();
	const replays = new Map<string, Replay>();

	function remember(key: string, replay: Replay): void {
		replays.set(key, replay);
		if (replays.size > MAX_REPLAYS) replays.delete(replays.keys().next().value!);
	}

	/** `limit`: how many such calls a minute Cashfree says it takes. It is told here, and not kept to. */
	const handle =
		(limit: number, answer: (apiKey: string, req: Request) => unknown) =>
		(req: Request, res: Response): void => {
			const version = req.get("x-api-version");
			const key = req.method === "POST" ? req.get("x-idempotency-key") : undefined;
			res.set({
				"x-api-version": version ?? "",
				"x-ratelimit-limit": String(limit),
				"x-ratelimit-remaining": String(limit - 1),
				"x-ratelimit-retry": "0",
				"x-ratelimit-type": "app_id",
				"x-request-id": req.get("x-request-id") ?? randomAlphanumeric(32),
				...(key === undefined ? {} : { "x-idempotency-key": key, "x-idempotency-replayed": "false" }),
			});
			if (version === undefined || !VERSIONS.includes(version)) {
				throw new CashfreeError(400, `version should be ${VERSIONS.join(", ")}`, "version_invalid");
			}
			const apiKey = authenticate(context, req);
			if (key === undefined) {
				res.json(answer(apiKey, req));
				return;
			}
			const request = `${req.path} ${req.body ?? ""}`;
			const earlier = replays.get(`${apiKey} ${key}`);
			if (earlier !== undefined) {
				if (earlier.request !== request) {
					const message = "idempotency key was used with another request";
					throw new CashfreeError(422, message, "request_invalid", "idempotency_error");
				}
				res.set("x-idempotency-replayed", "true").status(earlier.status).json(earlier.body);
				return;
			}
			try {
				const body = answer(apiKey, req);
				remember(`${apiKey} ${key}`, { request, status: 200, body });
				res.json(body);
			} catch (error) {
				if (error instanceof CashfreeError) {
					remember(`${apiKey} ${key}`, { request, status: error.status, body: error.body });
				}
				throw error;
			}
		};

	const orderOf = (apiKey: string, req: Request) => {
		const stored = store.findOrder(apiKey, String(req.params.order));
		if (stored === undefined) throw orderNotFound();
		return stored;
	};

	function readSplits(apiKey: string, value: unknown, field: string): Split[] {
		if (value === undefined || value === null) return [];
		if (!Array.isArray(value)) throw fieldError(field, "should be a list", value);
		return value.map((part): Split => {
			if (!isObject(part)) throw fieldError(field, "should be a list of objects", part);
			const { vendor_id, amount, percentage } = part;
			const refuse = (message: string) => new CashfreeError(400, message, "api_request_failed");
			if (typeof vendor_id !== "string" || !store.hasVendor(apiKey, vendor_id)) throw refuse("vendor does not exist");
			if (amount !== undefined && percentage !== undefined) {
				throw refuse("Invalid Request: Both Amount and percentage are present");
			}
			if (percentage === undefined) {
				return { vendor_id, amount: readAmount(`${field}.amount`, amount, 1), percentage: null };
			}
			if (typeof percentage !== "number" || percentage <= 0 || percentage > 100) {
				throw refuse("Invalid vendor split percentage");
			}
			return { vendor_id, amount: null, percentage };
		});
	}

	router.post(
		"/orders",
		handle(200, (apiKey, req) => {
			const body = readJson(req);
			const amount = readAmount("order_amount", body.order_amount, 100);
			const currency = body.order_currency ?? "INR";
			if (typeof currency !== "string" || !/^[A-Z]{3}$/.test(currency)) {
				throw fieldError("order_currency", "is not supported", currency);
			}
			const meta = body.order_meta ?? {};
			if (!isObject(meta)) throw fieldError("order_meta", "should be an object", meta);
			const splits = readSplits(apiKey, body.order_splits, "order_splits");
			const given = splits.reduce((sum, part) => sum + (part.amount ?? (amount * (part.percentage ?? 0)) / 100), 0);
			if (given > amount)
				throw fieldError("order_splits", "total should not exceed the order amount", body.order_splits);
			const { order } = store.createOrder(apiKey, {
				order_id:
					body.order_id === undefined ? `order_${randomAlphanumeric(30)}` : readId("order_id", body.order_id, 45),
				amount,
				currency,
				expires_at: readExpiry(body.order_expiry_time),
				note: readText("order_note", body.order_note, 200),
				tags: readTags(body.order_tags),
				return_url: readUrl("order_meta.return_url", meta.return_url, ["http:", "https:"]),
				notify_url: readUrl("order_meta.notify_url", meta.notify_url, ["https:"]),
				payment_methods: readText("order_meta.payment_methods", meta.payment_methods, 200, 0),
				customer: readCustomer(body.customer_details),
				splits,
			});
			return orderEntity(order);
		}),
	);
	/** Pays from the merchant's own page; who knows the session may, as at Cashfree. */
	router.post("/orders/sessions", (req, res) => {
		const { payment_session_id, payment_method } = readJson(req);
		const stored = store.findSession(String(payment_session_id));
		if (stored === undefined)
			throw fieldError("payment_session_id", "is not present or is invalid", payment_session_id);
		if (statusOf(stored.order) !== "ACTIVE")
			throw new CashfreeError(400, "order is no longer active", "order_inactive");
		const methods: Record<string, Method> = { upi: "upi", card: "card", netbanking: "netbanking" };
		const [name = "", details] = isObject(payment_method) ? (Object.entries(payment_method)[0] ?? []) : [];
		const method = methods[name];
		if (method === undefined) throw new CashfreeError(400, "payment method unsupported", "payment_method_unsupported");
		const payment = store.startPayment(stored, { method });
		res.json({
			payment_amount: paymentEntity(stored.order, payment).payment_amount,
			cf_payment_id: payment.cf_payment_id,
			payment_method: name,
			channel: isObject(details) && typeof details.channel === "string" ? details.channel : "link",
			action: "link",
			data: {
				url: `${req.protocol}://${req.get("host")}${req.baseUrl}/view/sessions/checkout/web/${payment_session_id}`,
				payload: null,
				content_type: null,
				method: null,
			},
		});
	});
	router.get(
		"/orders/:order",
		handle(400, (apiKey, req) => orderEntity(orderOf(apiKey, req).order)),
	);
	router.patch(
		"/orders/:order",
		handle(400, (apiKey, req) => {
			const stored = orderOf(apiKey, req);
			const { order_status } = readJson(req);
			if (order_status !== "TERMINATED") throw fieldError("order_status", "should be TERMINATED", order_status);
			const status = statusOf(stored.order);
			if (status === "PAID") throw new CashfreeError(400, "order is already paid", "order_already_paid");
			if (status !== "ACTIVE") throw new CashfreeError(400, "order is no longer active", "order_inactive");
			store.terminate(stored);
			return orderEntity(stored.order);
		}),
	);
	router.get(
		"/orders/:order/payments",
		handle(100, (apiKey, req) => {
			const { order, payments } = orderOf(apiKey, req);
			return payments.map((payment) => paymentEntity(order, payment)).reverse();
		}),
	);
	router.get(
		"/orders/:order/payments/:payment",
		handle(130, (apiKey, req) => {
			const { order, payments } = orderOf(apiKey, req);
			const payment = payments.find(({ cf_payment_id }) => cf_payment_id === req.params.payment);
			if (payment === undefined) throw paymentNotFound();
			return paymentEntity(order, payment);
		}),
	);
	router.post(
		"/orders/:order/refunds",
		handle(100, (apiKey, req) => {
			const stored = orderOf(apiKey, req);
			const body = readJson(req);
			const speed = (body.refund_speed ?? "STANDARD") as Refund["speed"];
			if (speed !== "STANDARD" && speed !== "INSTANT") {
				throw fieldError("refund_speed", "should be STANDARD or INSTANT", speed);
			}
			const refund = store.refund(stored, {
				refund_id: readId("refund_id", body.refund_id, 40),
				amount: readAmount("refund_amount", body.refund_amount, 1),
				note: readText("refund_note", body.refund_note, 100),
				speed,
			});
			const account = accountOf(context, stored);
			if (account.refunds === "at_once") {
				store.processRefund(stored, refund);
				sendEvents(sender, account, stored.order.notify_url, [refundEvent(stored.order, refund)]);
			}
			return refundEntity(stored.order, refund);
		}),
	);
	router.get(
		"/orders/:order/refunds",
		handle(100, (apiKey, req) => {
			const { order, refunds } = orderOf(apiKey, req);
			return refunds.map((refund) => refundEntity(order, refund));
		}),
	);
	router.get(
		"/orders/:order/refunds/:refund",
		handle(30, (apiKey, req) => {
			const { order, refunds } = orderOf(apiKey, req);
			const refund = refunds.find(({ refund_id }) => refund_id === req.params.refund);
			if (refund === undefined) throw refundNotFound();
			return refundEntity(order, refund);
		}),
	);

	router.post(
		"/settlement/recon",
		handle(30, (apiKey, req) => {
			const { pagination, filters } = readJson(req);
			const { limit = 10, cursor = null } = isObject(pagination) ? pagination : {};
			if (typeof limit !== "number" || !Number.isInteger(limit) || limit < 1 || limit > 1000) {
				throw fieldError("pagination.limit", "should be between 1 and 1000", limit);
			}
			const lines = context.registry.settlement_differences.apply(
				"cashfree",
				store.settlementLines(apiKey).filter(settlementFilter(filters)),
				({ refund, stored: { order } }, wanted) => refund === null && order.order_id === wanted,
				(line, { amount, fee }) => ({
					...line,
					payment: {
						...line.payment,
						amount: line.payment.amount + amount,
						service_charge: line.payment.service_charge + fee,
					},
				}),
			);
			const start = readCursor(cursor);
			const end = start + limit;
			return {
				cursor: end < lines.length ? writeCursor(end) : null,
				limit,
				data: lines.slice(start, end).map(reconEntity),
			};
		}),
	);
	/** At Cashfree's sandbox too a call like this is what makes settlement webhooks come. */
	router.post(
		"/simulate/settlement",
		handle(30, (apiKey, req) => {
			const { merchantOrderIds, status = "SUCCESS", errorReason } = readJson(req);
			const ids = Array.isArray(merchantOrderIds) ? merchantOrderIds : [];
			const lines = store.settlementLines(apiKey).filter(({ stored }) => ids.includes(stored.order.order_id));
			const type = SETTLEMENT_EVENTS[status as keyof typeof SETTLEMENT_EVENTS];
			if (type === undefined) throw fieldError("status", "is not supported", status);
			if (lines.length === 0) throw orderNotFound();
			const account = accountOf(context, lines[0]!.stored);
			sendEvents(sender, account, null, [settlementEvent(type, lines, errorReason ? String(errorReason) : null)]);
			return {
				simulation_id: randomAlphanumeric(20),
				entity: "SETTLEMENT",
				settlement_ids: [Number(lines[0]!.settlement.cf_settlement_id)],
				simulation_status: "SUCCESS",
			};
		}),
	);

	router.post(
		"/easy-split/vendors",
		handle(100, (apiKey, req) => {
			const { vendor_id, status, name, email, phone } = readJson(req);
			if (typeof vendor_id !== "string" || !/^\w{1,50}$/.test(vendor_id)) {
				throw fieldError("vendor_id", "should be alpha numeric", vendor_id);
			}
			store.addVendor(apiKey, vendor_id);
			return { vendor_id, status, name, email, phone };
		}),
	);
	router.post(
		"/easy-split/orders/:order/split",
		handle(100, (apiKey, req) => {
			const stored = orderOf(apiKey, req);
			const parts = readSplits(apiKey, readJson(req).split, "split");
			if (parts.length === 0) throw fieldError("split", "is missing in the request");
			store.split(stored, parts);
			return { status: "OK", message: "Order split created" };
		}),
	);

	router.use(() => {
		throw badUrl();
	});
	router.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
		if (!(error instanceof CashfreeError)) return next(error);
		res.status(error.status).json(error.body);
	});
	return router;
}

function settlementFilter(filters: unknown): (line: SettlementLine) => boolean {
	const given = isObject(filters) ? filters : {};
	const { cf_settlement_ids, settlement_utrs } = given;
	if (Array.isArray(cf_settlement_ids)) {
		return ({ settlement }) => cf_settlement_ids.map(String).includes(settlement.cf_settlement_id);
	}
	if (Array.isArray(settlement_utrs)) return ({ settlement }) => settlement_utrs.includes(settlement.utr);
	const [from, to] = ["start_date", "end_date"].map((name) => {
		const value = given[`${name}_processed_on`] ?? given[`${name}_initiated_on`] ?? given[name];
		const time = typeof value === "string" ? Date.parse(value) : Number.NaN;
		if (Number.isNaN(time)) throw fieldError(`filters.${name}`, "should be a valid ISO 8601 time", value);
		return time;
	}) as [number, number];
	// A time without a fraction stands for its whole second.
	return ({ settlement }) => settlement.settled_at >= from && settlement.settled_at < to + 1000;
}

function readCursor(cursor: unknown): number {
	if (cursor === null) return 0;
	const after = Buffer.from(String(cursor), "base64").toString("utf8");
	if (!/^\d{1,9}$/.test(after)) throw fieldError("pagination.cursor", "is invalid", cursor);
	return Number(after);
}

function writeCursor(after: number): string {
	return Buffer.from(String(after)).toString("base64");
}
