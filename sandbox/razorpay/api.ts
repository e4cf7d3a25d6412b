import { timingSafeEqual } from "node:crypto";
import { type NextFunction, type Request, type Response, Router } from "express";
import { authenticationFailed, idNotFound, RazorpayError, urlNotFound } from "./errors.ts";
import { accountOf, capturePayment, payByThemselves, type RazorpayContext, transferEvent } from "./payments.ts";
import type { NewTransfer, Notes, Payment, Refund, SettlementLine } from "./store.ts";
import { type RazorpayEvent, sendEvents } from "./webhooks.ts";

const CURRENCIES = new Set(["INR", "USD", "EUR", "GBP", "SGD", "AED", "AUD", "CAD"]);
const ORDER_FIELDS = new Set([
	"amount",
	"currency",
	"receipt",
	"notes",
	"partial_payment",
	"first_payment_min_amount",
	"transfers",
	"payment_capture",
	"offer_id",
	"method",
]);
const MIN_AMOUNT = 100;

function sameText(left: string, right: string): boolean {
	const a = Buffer.from(left);
	const b = Buffer.from(right);
	return a.length === b.length && timingSafeEqual(a, b);
}

/** The key of the account that the Basic credentials belong to. */
export function authenticate({ registry }: Pick<RazorpayContext, "registry">, req: Request): string {
	const [scheme, credentials = ""] = (req.headers.authorization ?? "").split(" ", 2);
	if (scheme?.toLowerCase() !== "basic") throw authenticationFailed();
	const [key = "", ...rest] = Buffer.from(credentials, "base64").toString("utf8").split(":");
	const account = registry.findAccount("razorpay", key);
	if (account === undefined || !sameText(account.api_secret, rest.join(":"))) throw authenticationFailed();
	return key;
}

export function readJson(req: Request): Record<string, unknown> {
	if (!Buffer.isBuffer(req.body) || req.body.length === 0) return {};
	if (req.is("application/x-www-form-urlencoded")) {
		return Object.fromEntries(new URLSearchParams(req.body.toString("utf8")));
	}
	try {
		const body: unknown = JSON.parse(req.body.toString("utf8"));
		if (typeof body === "object" && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
	} catch {
		// Answered like any other body that is not an object.
	}
	throw new RazorpayError(400, "The request body is not valid JSON");
}

function readAmount(value: unknown): number {
	if (value === undefined || value === null || value === "") {
		throw new RazorpayError(400, "The amount field is required.", { field: "amount" });
	}
	const amount = typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : value;
	if (typeof amount !== "number" || !Number.isSafeInteger(amount)) {
		throw new RazorpayError(400, "The amount must be an integer.", { field: "amount" });
	}
	if (amount < MIN_AMOUNT) {
		throw new RazorpayError(400, "The amount must be at least INR 1.00", { field: "amount" });
	}
	return amount;
}

function readReceipt(value: unknown): string | null {
	if (value === undefined || value === null) return null;
	if (typeof value !== "string") throw new RazorpayError(400, "The receipt must be a string.", { field: "receipt" });
	if (value.length > 40) {
		throw new RazorpayError(400, "The receipt may not be greater than 40 characters.", { field: "receipt" });
	}
	return value;
}

function readNotes(value: unknown): Notes {
	if (value === undefined || value === null) return [];
	if (typeof value !== "object") throw new RazorpayError(400, "The notes must be an array.", { field: "notes" });
	const entries = Object.entries(value);
	if (entries.length === 0) return [];
	if (entries.length > 15) {
		throw new RazorpayError(400, "The notes may not have more than 15 items.", { field: "notes" });
	}
	if (entries.some(([, note]) => String(note).length > 256)) {
		throw new RazorpayError(400, "A note may not be greater than 256 characters.", { field: "notes" });
	}
	return Object.fromEntries(entries);
}

function readTransfers(value: unknown): NewTransfer[] {
	if (!Array.isArray(value)) throw new RazorpayError(400, "The transfers must be an array.", { field: "transfers" });
	return value.map((item: unknown, index) => {
		const { account, amount, currency, notes } = (item ?? {}) as Record<string, unknown>;
		const field = `transfers.${index}`;
		if (typeof account !== "string" || !/^acc_[A-Za-z0-9]{14}$/.test(account)) {
			throw new RazorpayError(400, `${String(account)} is an invalid account_code.`, { field: `${field}.account` });
		}
		if (typeof amount !== "number" || !Number.isSafeInteger(amount) || amount < MIN_AMOUNT) {
			const words = `The ${field}.amount must be at least ${MIN_AMOUNT}.`;
			throw new RazorpayError(400, words, { field: `${field}.amount` });
		}
		if (currency !== "INR") {
			throw new RazorpayError(400, "The currency should be INR for transfers", { field: `${field}.currency` });
		}
		return { account, amount, currency, notes: readNotes(notes) };
	});
}

function readPage(req: Request, maxCount: number): { count: number; skip: number } {
	const read = (name: "count" | "skip", preset: number, min: number, max: number) => {
		const text = req.query[name];
		if (text === undefined) return preset;
		const number = Number(text);
		if (!Number.isInteger(number) || number < min || number > max) {
			throw new RazorpayError(400, `The ${name} must be between ${min} and ${max}.`, { field: name });
		}
		return number;
	};
	return { count: read("count", 10, 1, maxCount), skip: read("skip", 0, 0, Number.MAX_SAFE_INTEGER) };
}

function readTime(req: Request, name: string): number | undefined {
	const text = req.query[name];
	if (text === undefined) return undefined;
	const seconds = Number(text);
	if (!Number.isInteger(seconds)) throw new RazorpayError(400, `${name} must be an integer.`, { field: name });
	return seconds;
}

function collection<Item>(items: Item[]): { entity: "collection"; count: number; items: Item[] } {
	return { entity: "collection", count: items.length, items };
}

function paged<Item>(req: Request, items: Item[], maxCount = 100) {
	const { count, skip } = readPage(req, maxCount);
	return collection(items.slice(skip, skip + count));
}

function readRefundKey(req: Request): string | null {
	const key = req.get("x-refund-idempotency");
	if (key === undefined) return null;
	if (!/^[A-Za-z0-9_-]{10,}$/.test(key)) {
		throw new RazorpayError(
			400,
			"The idempotency key must be at least 10 characters of letters, digits, hyphen and underscore",
		);
	}
	return key;
}

function reconItem({ settled_at, order, payment, refund, transfer, settlement_id, utr }: SettlementLine) {
	const paid_out = refund ?? transfer;
	const credit = paid_out ? 0 : payment.amount - payment.fee!;
	return {
		entity_id: (paid_out ?? payment).id,
		type: (paid_out ?? payment).entity,
		debit: paid_out?.amount ?? 0,
		credit,
		amount: (paid_out ?? payment).amount,
		currency: payment.currency,
		fee: paid_out ? 0 : payment.fee,
		tax: paid_out ? 0 : payment.tax,
		on_hold: false,
		settled: true,
		created_at: (paid_out ?? payment).created_at,
		settled_at,
		settlement_id,
		posted_at: null,
		credit_type: "default",
		description: payment.description,
		notes: JSON.stringify((paid_out ?? payment).notes),
		payment_id: paid_out ? payment.id : null,
		settlement_utr: utr,
		order_id: order.id,
		order_receipt: order.receipt,
		method: payment.method,
		card_network: payment.card?.network ?? null,
		card_issuer: payment.card?.issuer ?? null,
		card_type: payment.card?.type ?? null,
		dispute_id: null,
	};
}

function readDayPrefix(req: Request): string {
	const { year, month, day } = req.query;
	const part = (name: string, text: unknown, pattern: RegExp) => {
		if (typeof text === "string" && pattern.test(text)) return text.padStart(2, "0");
		throw new RazorpayError(400, `The ${name} field is required.`, { field: name });
	};
	const prefix = `${part("year", year, /^20\d\d$/)}-${part("month", month, /^(0?[1-9]|1[0-2])$/)}`;
	return day === undefined ? prefix : `${prefix}-${part("day", day, /^(0?[1-9]|[12]\d|3[01])$/)}`;
}

/** The REST interface, with Razorpay's paths, rules and words. */
export function createApi(context: RazorpayContext): Router {
	const { store, sender } = context;
	const router = Router();
	const handle =
		(answer: (apiKey: string, req: Request) => unknown) =>
		(req: Request, res: Response): void => {
			res.json(answer(authenticate(context, req), req));
		};
	const orderOf = (apiKey: string, req: Request) => {
		const stored = store.findOrder(apiKey, String(req.params.id));
		if (stored === undefined) throw idNotFound();
		return stored;
	};
	const paymentOf = (apiKey: string, req: Request) => {
		const found = store.findPayment(apiKey, String(req.params.id));
		if (found === undefined) throw idNotFound();
		return found;
	};
	const refundOf = (apiKey: string, id: string): Refund => {
		const refund = store.findRefund(apiKey, id);
		if (refund === undefined) throw idNotFound();
		return refund;
	};

	router.post(
		"/orders",
		handle((apiKey, req) => {
			const body = readJson(req);
			const stranger = Object.keys(body).find((field) => !ORDER_FIELDS.has(field));
			if (stranger !== undefined) {
				throw new RazorpayError(400, `${stranger} is/are not required and should not be sent`, { field: stranger });
			}
			const amount = readAmount(body.amount);
			if (typeof body.currency !== "string" || body.currency === "") {
				throw new RazorpayError(400, "The currency field is required.", { field: "currency" });
			}
			if (!CURRENCIES.has(body.currency)) {
				throw new RazorpayError(400, "Currency is not supported", { field: "currency" });
			}
			const parts = body.transfers === undefined ? [] : readTransfers(body.transfers);
			if (parts.length > 0 && body.currency !== "INR") {
				throw new RazorpayError(400, "The currency should be INR for transfers", { field: "currency" });
			}
			if (parts.reduce((sum, part) => sum + part.amount, 0) > amount) {
				const words = "The sum of amount requested for transfer is greater than the order amount";
				throw new RazorpayError(400, words, { field: "transfers" });
			}
			const stored = store.createOrder(apiKey, {
				amount,
				currency: body.currency,
				receipt: readReceipt(body.receipt),
				notes: readNotes(body.notes),
				transfers: parts,
			});
			const { order, transfers } = stored;
			payByThemselves(context, stored);
			return parts.length === 0 ? order : { ...order, transfers };
		}),
	);
	router.get(
		"/orders",
		handle((apiKey, req) => {
			const { receipt } = req.query;
			const from = readTime(req, "from");
			const to = readTime(req, "to");
			return paged(
				req,
				store.listOrders(apiKey, {
					receipt: typeof receipt === "string" ? receipt : undefined,
					...(from !== undefined && { from }),
					...(to !== undefined && { to }),
				}),
			);
		}),
	);
	router.get(
		"/orders/:id",
		handle((apiKey, req) => orderOf(apiKey, req).order),
	);
	router.get(
		"/orders/:id/payments",
		handle((apiKey, req) => collection([...orderOf(apiKey, req).payments].reverse())),
	);
	router.get(
		"/payments/:id",
		handle((apiKey, req) => paymentOf(apiKey, req).payment),
	);
	router.post(
		"/payments/:id/capture",
		handle((apiKey, req): Payment => {
			const { stored, payment } = paymentOf(apiKey, req);
			const amount = readAmount(readJson(req).amount);
			if (payment.captured) throw new RazorpayError(400, "This payment has already been captured");
			if (payment.status !== "authorized") {
				throw new RazorpayError(400, "Only payments which have been authorized and not yet captured can be captured");
			}
			if (amount !== payment.amount) {
				throw new RazorpayError(400, "Capture amount must be equal to the amount authorized", { field: "amount" });
			}
			capturePayment(context, stored, payment);
			return payment;
		}),
	);
	router.post(
		"/payments/:id/refund",
		handle((apiKey, req) => {
			const { stored, payment } = paymentOf(apiKey, req);
			const body = readJson(req);
			const key = readRefundKey(req);
			const speed = body.speed ?? "normal";
			if (speed !== "normal" && speed !== "optimum") {
				throw new RazorpayError(400, "The selected speed is invalid.", { field: "speed" });
			}
			const { refund, created } = store.refund(
				stored,
				payment,
				{
					amount: body.amount === undefined || body.amount === null ? undefined : readAmount(body.amount),
					speed,
					notes: readNotes(body.notes),
					receipt: readReceipt(body.receipt),
				},
				key === null ? null : { key, request: `${payment.id}.${req.body ?? ""}` },
			);
			if (created) {
				const account = accountOf(context, stored);
				const events: RazorpayEvent[] = [{ event: "refund.created", refund: { ...refund }, payment: { ...payment } }];
				if (account.refunds === "at_once") {
					store.processRefund(stored, payment, refund);
					events.push({ event: "refund.processed", refund: { ...refund }, payment: { ...payment } });
				}
				sendEvents(sender, account, events);
			}
			return refund;
		}),
	);
	router.get(
		"/payments/:id/refunds",
		handle((apiKey, req) => {
			const { stored, payment } = paymentOf(apiKey, req);
			return paged(req, stored.refunds.filter((refund) => refund.payment_id === payment.id).reverse());
		}),
	);
	router.get(
		"/payments/:id/refunds/:refund",
		handle((apiKey, req) => {
			const { payment } = paymentOf(apiKey, req);
			const refund = refundOf(apiKey, String(req.params.refund));
			if (refund.payment_id !== payment.id) throw idNotFound();
			return refund;
		}),
	);
	router.post(
		"/payments/:id/transfers",
		handle((apiKey, req) => {
			const { stored, payment } = paymentOf(apiKey, req);
			const made = store.transfer(stored, payment, readTransfers(readJson(req).transfers));
			const processed = stored.transfers.filter(({ id }) => made.some((answer) => answer.id === id));
			sendEvents(sender, accountOf(context, stored), processed.map(transferEvent));
			return collection(made);
		}),
	);
	router.get(
		"/payments/:id/transfers",
		handle((apiKey, req) => {
			const { stored, payment } = paymentOf(apiKey, req);
			return collection(stored.transfers.filter(({ source }) => source === payment.id));
		}),
	);
	router.get(
		"/refunds/:id",
		handle((apiKey, req) => refundOf(apiKey, String(req.params.id))),
	);
	router.get(
		"/settlements/recon/combined",
		handle((apiKey, req) => {
			const items = context.registry.settlement_differences.apply(
				"razorpay",
				store.settlementLines(apiKey, readDayPrefix(req)).map(reconItem),
				(item, order) => item.type === "payment" && (item.order_id === order || item.order_receipt === order),
				(item, { amount, fee }) => ({
					...item,
					amount: item.amount + amount,
					fee: (item.fee ?? 0) + fee,
					credit: item.credit + amount - fee,
				}),
			);
			return paged(req, items, 1000);
		}),
	);
	router.get(
		"/settlements",
		handle((apiKey, req) => paged(req, store.settlements(apiKey))),
	);
	router.get(
		"/settlements/:id",
		handle((apiKey, req) => {
			const settlement = store.settlements(apiKey).find(({ id }) => id === req.params.id);
			if (settlement === undefined) throw idNotFound();
			return settlement;
		}),
	);
	router.use(() => {
		throw urlNotFound();
	});
	router.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
		if (!(error instanceof RazorpayError)) return next(error);
		res.status(error.status).json(error.body);
	});
	return router;
}
