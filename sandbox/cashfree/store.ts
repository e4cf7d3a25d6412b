import { deserialize, serialize } from "node:v8";
import { randomAlphanumeric, randomDigits } from "../ids.ts";
import { MAX_SAVED } from "../state-file.ts";
import { CashfreeError, DECLINES, DEFAULT_DECLINE } from "./errors.ts";

/** Amounts are paise in here, and rupees on the wire (wire.ts). Times are milliseconds. */
export interface Order {
	cf_order_id: string;
	order_id: string;
	amount: number;
	currency: string;
	status: "ACTIVE" | "PAID" | "TERMINATED" | "TERMINATION_REQUESTED";
	payment_session_id: string;
	expires_at: number;
	note: string | null;
	tags: Record<string, string> | null;
	return_url: string | null;
	notify_url: string | null;
	payment_methods: string | null;
	customer: Record<string, unknown>;
	splits: Split[];
	created_at: number;
}

export interface Split {
	vendor_id: string;
	amount: number | null;
	percentage: number | null;
}

export type OrderStatus = Order["status"] | "EXPIRED";
export type Method = "upi" | "card" | "netbanking";
export type PaymentStatus = "SUCCESS" | "FAILED" | "USER_DROPPED" | "PENDING";

export interface Payment {
	cf_payment_id: string;
	amount: number;
	currency: string;
	status: PaymentStatus;
	is_captured: boolean;
	method: Method;
	message: string | null;
	bank_reference: string | null;
	auth_id: string | null;
	error: { code: string; description: string; reason: string; source: string } | null;
	bank: string | null;
	card_last4: string;
	/** What Cashfree keeps of a success, and the tax on it. */
	service_charge: number;
	service_tax: number;
	created_at: number;
	completed_at: number | null;
}

export interface Refund {
	cf_refund_id: string;
	/** Null where Cashfree refunds of its own accord. */
	refund_id: string | null;
	cf_payment_id: string;
	amount: number;
	currency: string;
	note: string | null;
	status: "SUCCESS" | "PENDING" | "CANCELLED";
	type: "MERCHANT_INITIATED" | "PAYMENT_AUTO_REFUND";
	arn: string | null;
	speed: "STANDARD" | "INSTANT";
	created_at: number;
	processed_at: number | null;
}

export interface StoredOrder {
	api_key: string;
	order: Order;
	payments: Payment[];
	refunds: Refund[];
}

export interface Settlement {
	cf_settlement_id: string;
	utr: string;
	settled_at: number;
}

export interface SettlementLine {
	settlement: Settlement;
	stored: StoredOrder;
	payment: Payment;
	/** null: the line is the payment itself. */
	refund: Refund | null;
}

interface Ledger {
	lines: SettlementLine[];
	/** One a day, by the day in Kolkata. */
	settlements: Map<string, Settlement>;
	vendors: Set<string>;
}

export interface NewOrder {
	order_id: string;
	amount: number;
	currency: string;
	expires_at: number;
	note: string | null;
	tags: Record<string, string> | null;
	return_url: string | null;
	notify_url: string | null;
	payment_methods: string | null;
	customer: Record<string, unknown>;
	splits: Split[];
}

export interface PaymentDetails {
	method: Method;
	amount?: number | undefined;
	currency?: string | undefined;
	bank?: string | undefined;
	card_last4?: string | undefined;
}

interface Saved {
	orders: StoredOrder[];
	ledgers: Map<string, Ledger>;
}

const IST_OFFSET_MS = 19_800_000;
const FEE_RATE = 0.02;
const GST_RATE = 0.18;

/** 2026-11-21T14:05:09+05:30, as all times of Cashfree are written. */
export function istTime(milliseconds: number): string {
	return `${new Date(milliseconds + IST_OFFSET_MS).toISOString().slice(0, 19)}+05:30`;
}

export function statusOf(order: Order, now = Date.now()): OrderStatus {
	return order.status === "ACTIVE" && now > order.expires_at ? "EXPIRED" : order.status;
}

/** All orders, payments and refunds of all accounts, newest `capacity` orders kept. */
export class CashfreeStore {
	/** By account and order id: two accounts may use one id. */
	readonly #orders = new Map<string, StoredOrder>();
	readonly #byOrderId = new Map<string, StoredOrder>();
	readonly #bySession = new Map<string, StoredOrder>();
	readonly #byRefund = new Map<string, StoredOrder>();
	readonly #ledgers = new Map<string, Ledger>();
	readonly #capacity: number;
	#sequence = Date.now() * 1_000;

	constructor(capacity: number) {
		this.#capacity = capacity;
	}

	createOrder(apiKey: string, { order_id, ...details }: NewOrder): StoredOrder {
		if (this.findOrder(apiKey, order_id) !== undefined) {
			throw new CashfreeError(409, "order with same id is already present", "order_already_exists");
		}
		const stored: StoredOrder = {
			api_key: apiKey,
			order: {
				...details,
				order_id,
				cf_order_id: this.#nextId(),
				status: "ACTIVE",
				payment_session_id: `session_${randomAlphanumeric(100)}`,
				created_at: Date.now(),
			},
			payments: [],
			refunds: [],
		};
		this.#add(stored);
		if (this.#orders.size > this.#capacity) this.#forgetOldest();
		return stored;
	}

	findOrder(apiKey: string, orderId: string): StoredOrder | undefined {
		return this.#orders.get(`${apiKey} ${orderId}`);
	}

	findSession(session: string): StoredOrder | undefined {
		return this.#bySession.get(session);
	}

	/** By order id or Cashfree's own, whoever's it is. */
	searchOrder(name: string): StoredOrder | undefined {
		return this.#byOrderId.get(name) ?? this.#newestFirst().find(({ order }) => order.cf_order_id === name);
	}

	recentOrders(limit: number): StoredOrder[] {
		return this.#newestFirst().slice(0, limit);
	}

	startPayment({ order, payments }: StoredOrder, details: PaymentDetails): Payment {
		const payment: Payment = {
			cf_payment_id: this.#nextId(),
			amount: details.amount ?? order.amount,
			currency: details.currency ?? order.currency,
			status: "PENDING",
			is_captured: false,
			method: details.method,
			message: null,
			bank_reference: null,
			auth_id: null,
			error: null,
			bank: details.bank ?? null,
			card_last4: details.card_last4 ?? "1111",
			service_charge: 0,
			service_tax: 0,
			created_at: Date.now(),
			completed_at: null,
		};
		payments.push(payment);
		return payment;
	}

	/** `captured` false: the money is blocked, for a capture that an account with preauthorisation asks for later. */
	succeed(stored: StoredOrder, payment: Payment, captured: boolean): void {
		payment.status = "SUCCESS";
		payment.is_captured = captured;
		payment.error = null;
		payment.message = "00::Transaction success";
		payment.bank_reference = randomDigits(12);
		payment.auth_id = payment.method === "card" ? randomDigits(6) : null;
		payment.completed_at = Date.now();
		if (!captured) return;
		payment.service_charge = Math.round(payment.amount * FEE_RATE);
		payment.service_tax = Math.round(payment.service_charge * GST_RATE);
		stored.order.status = "PAID";
		this.#settle(stored, payment, null);
	}

	fail(stored: StoredOrder, payment: Payment, reason: string = DEFAULT_DECLINE): void {
		const decline = DECLINES[reason] ?? DECLINES[DEFAULT_DECLINE]!;
		payment.status = "FAILED";
		payment.message = decline.description;
		payment.error = { code: decline.code, description: decline.description, reason, source: decline.source };
		this.#end(stored, payment);
	}

	drop(stored: StoredOrder, payment: Payment): void {
		payment.status = "USER_DROPPED";
		payment.message = "User dropped and did not complete the two factor authentication";
		this.#end(stored, payment);
	}

	/** Waits for a payment that has begun; one that nobody has begun is closed at once. */
	terminate({ order, payments }: StoredOrder): void {
		order.status = payments.some(({ status }) => status === "PENDING") ? "TERMINATION_REQUESTED" : "TERMINATED";
	}

	refund(
		stored: StoredOrder,
		{ refund_id, ...request }: { refund_id: string; amount: number; note: string | null; speed: Refund["speed"] },
	): Refund {
		if (stored.refunds.some((refund) => refund.refund_id === refund_id)) {
			throw new CashfreeError(409, "refund with same id is already present", "refund_already_exists");
		}
		const payment = stored.payments.find(({ is_captured }) => is_captured);
		if (payment === undefined) {
			throw new CashfreeError(400, "Refund can be initiated only for a paid order", "order_not_paid");
		}
		const refunded = stored.refunds
			.filter(({ status, cf_payment_id }) => status !== "CANCELLED" && cf_payment_id === payment.cf_payment_id)
			.reduce((sum, { amount }) => sum + amount, 0);
		if (request.amount > payment.amount - refunded) {
			throw new CashfreeError(
				400,
				"refund_amount : refund amount is greater than the amount left to refund",
				"refund_amount_invalid",
			);
		}
		return this.#addRefund(stored, payment, { ...request, refund_id, type: "MERCHANT_INITIATED" });
	}

	/** A second success on one order is given back by Cashfree itself. */
	autoRefund(stored: StoredOrder, payment: Payment): Refund {
		const refund = this.#addRefund(stored, payment, {
			refund_id: null,
			amount: payment.amount,
			note: null,
			speed: "STANDARD",
			type: "PAYMENT_AUTO_REFUND",
		});
		this.processRefund(stored, refund);
		return refund;
	}

	/** Whoever's it is; by Cashfree's id or the merchant's. */
	searchRefund(id: string): { stored: StoredOrder; refund: Refund } | undefined {
		const stored = this.#byRefund.get(id);
		const refund = stored?.refunds.find(({ cf_refund_id, refund_id }) => cf_refund_id === id || refund_id === id);
		return stored && refund ? { stored, refund } : undefined;
	}

	processRefund(stored: StoredOrder, refund: Refund): void {
		refund.status = "SUCCESS";
		refund.arn = randomDigits(12);
		refund.processed_at = Date.now();
		const payment = stored.payments.find(({ cf_payment_id }) => cf_payment_id === refund.cf_payment_id)!;
		this.#settle(stored, payment, refund);
	}

	/** After several tries the bank has not taken it: the money is the merchant's again. */
	cancelRefund(stored: StoredOrder, refund: Refund): void {
		refund.status = "CANCELLED";
		refund.arn = null;
		refund.processed_at = null;
		const ledger = this.#ledger(stored.api_key);
		ledger.lines = ledger.lines.filter((line) => line.refund !== refund);
	}

	/** Gives parts of a paid order away; what is left is the merchant's. */
	split(stored: StoredOrder, parts: Split[]): void {
		const payment = stored.payments.find(({ is_captured }) => is_captured);
		if (payment === undefined) {
			throw new CashfreeError(400, "Order is not paid, not eligible for split", "api_request_failed");
		}
		const total = [...stored.order.splits, ...parts].reduce(
			(sum, { amount, percentage }) => sum + (amount ?? (payment.amount * (percentage ?? 0)) / 100),
			0,
		);
		if (total > payment.amount) {
			throw new CashfreeError(
				400,
				"Total split amount can not be greater than transaction amount / eligible split balance",
				"api_request_failed",
			);
		}
		stored.order.splits.push(...parts);
	}

	addVendor(apiKey: string, vendorId: string): void {
		this.#ledger(apiKey).vendors.add(vendorId);
	}

	/** Vendors whose id begins so need not be made first. */
	hasVendor(apiKey: string, vendorId: string): boolean {
		return vendorId.startsWith("vendor") || this.#ledger(apiKey).vendors.has(vendorId);
	}

	settlementLines(apiKey: string): SettlementLine[] {
		return this.#ledger(apiKey).lines;
	}

	/** The newest orders with all that belongs to them. V8's format keeps which entry refers to which object. */
	save(): Buffer {
		const orders = [...this.#orders.values()].slice(-MAX_SAVED);
		const kept = new Set(orders);
		const ledgers = new Map<string, Ledger>();
		for (const [apiKey, ledger] of this.#ledgers) {
			ledgers.set(apiKey, { ...ledger, lines: ledger.lines.filter(({ stored }) => kept.has(stored)) });
		}
		return serialize({ orders, ledgers } satisfies Saved);
	}

	restore(saved: Buffer): void {
		const { orders, ledgers } = deserialize(saved) as Saved;
		for (const stored of orders) this.#add(stored);
		for (const [apiKey, ledger] of ledgers) this.#ledgers.set(apiKey, ledger);
	}

	#add(stored: StoredOrder): void {
		const { order, refunds } = stored;
		this.#orders.set(`${stored.api_key} ${order.order_id}`, stored);
		this.#byOrderId.set(order.order_id, stored);
		this.#bySession.set(order.payment_session_id, stored);
		for (const refund of refunds) this.#index(stored, refund);
	}

	#addRefund(
		stored: StoredOrder,
		payment: Payment,
		details: Pick<Refund, "refund_id" | "amount" | "note" | "speed" | "type">,
	): Refund {
		const refund: Refund = {
			...details,
			cf_refund_id: this.#nextId(),
			cf_payment_id: payment.cf_payment_id,
			currency: payment.currency,
			status: "PENDING",
			arn: null,
			created_at: Date.now(),
			processed_at: null,
		};
		stored.refunds.push(refund);
		this.#index(stored, refund);
		return refund;
	}

	#index(stored: StoredOrder, { cf_refund_id, refund_id }: Refund): void {
		this.#byRefund.set(cf_refund_id, stored);
		if (refund_id !== null) this.#byRefund.set(refund_id, stored);
	}

	#end({ order, payments }: StoredOrder, payment: Payment): void {
		payment.completed_at = Date.now();
		const isPending = payments.some(({ status }) => status === "PENDING");
		if (order.status === "TERMINATION_REQUESTED" && !isPending) order.status = "TERMINATED";
	}

	/** Everything is settled the moment it happens, in one settlement an account and day. */
	#settle(stored: StoredOrder, payment: Payment, refund: Refund | null): void {
		const ledger = this.#ledger(stored.api_key);
		const now = Date.now();
		const day = istTime(now).slice(0, 10);
		let settlement = ledger.settlements.get(day);
		if (settlement === undefined) {
			settlement = { cf_settlement_id: this.#nextId(), utr: `CF${randomDigits(14)}`, settled_at: now };
			ledger.settlements.set(day, settlement);
		}
		ledger.lines.push({ settlement, stored, payment, refund });
		if (ledger.lines.length > this.#capacity) ledger.lines.shift();
	}

	#ledger(apiKey: string): Ledger {
		let ledger = this.#ledgers.get(apiKey);
		if (ledger === undefined) {
			ledger = { lines: [], settlements: new Map(), vendors: new Set() };
			this.#ledgers.set(apiKey, ledger);
		}
		return ledger;
	}

	/** Cashfree's ids are numbers that grow; ever higher ones, over restarts too. */
	#nextId(): string {
		this.#sequence = Math.max(this.#sequence + 1, Date.now() * 1_000);
		return String(this.#sequence);
	}

	#newestFirst(): StoredOrder[] {
		return [...this.#orders.values()].reverse();
	}

	#forgetOldest(): void {
		const [key, oldest] = this.#orders.entries().next().value!;
		this.#orders.delete(key);
		this.#bySession.delete(oldest.order.payment_session_id);
		if (this.#byOrderId.get(oldest.order.order_id) === oldest) this.#byOrderId.delete(oldest.order.order_id);
		for (const { cf_refund_id, refund_id } of oldest.refunds) {
			this.#byRefund.delete(cf_refund_id);
			if (refund_id !== null) this.#byRefund.delete(refund_id);
		}
	}
}
