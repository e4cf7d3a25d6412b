import { deserialize, serialize } from "node:v8";
import { randomAlphanumeric, randomDigits } from "../ids.ts";
import { MAX_SAVED } from "../state-file.ts";
import { DECLINES, DEFAULT_DECLINE, RazorpayError } from "./errors.ts";

/** Notes as they came; Razorpay answers none with an empty list, not an empty object. */
export type Notes = Record<string, unknown> | [];

export interface Order {
	id: string;
	entity: "order";
	amount: number;
	amount_paid: number;
	amount_due: number;
	currency: string;
	receipt: string | null;
	offer_id: null;
	status: "created" | "attempted" | "paid";
	attempts: number;
	notes: Notes;
	created_at: number;
}

export type Method = "upi" | "card" | "netbanking";

export interface Payment {
	id: string;
	entity: "payment";
	amount: number;
	currency: string;
	base_amount: number;
	status: "created" | "authorized" | "captured" | "refunded" | "failed";
	order_id: string;
	invoice_id: null;
	international: boolean;
	method: Method;
	amount_refunded: number;
	amount_transferred: number;
	refund_status: "partial" | "full" | null;
	captured: boolean;
	description: string | null;
	card_id: string | null;
	card?: Record<string, unknown>;
	bank: string | null;
	wallet: string | null;
	vpa: string | null;
	email: string;
	contact: string;
	notes: Notes;
	fee: number | null;
	tax: number | null;
	error_code: string | null;
	error_description: string | null;
	error_source: string | null;
	error_step: string | null;
	error_reason: string | null;
	acquirer_data: Record<string, string | null>;
	created_at: number;
	upi?: { payer_account_type: string; vpa: string; flow: string };
}

export interface Refund {
	id: string;
	entity: "refund";
	amount: number;
	currency: string;
	payment_id: string;
	notes: Notes;
	receipt: string | null;
	acquirer_data: { arn: string | null };
	created_at: number;
	batch_id: null;
	status: "pending" | "processed" | "failed";
	speed_processed: "normal" | "instant";
	speed_requested: "normal" | "optimum";
}

/** Part of an order or of a payment for a linked account. */
export interface Transfer {
	id: string;
	entity: "transfer";
	status: "created" | "pending" | "processed" | "failed";
	/** The order that it was asked for with, or the payment. */
	source: string;
	recipient: string;
	amount: number;
	currency: string;
	amount_reversed: number;
	notes: Notes;
	linked_account_notes: string[];
	on_hold: boolean;
	on_hold_until: null;
	recipient_settlement_id: null;
	created_at: number;
	processed_at: number | null;
	error: Record<string, string | null>;
}

export interface NewTransfer {
	account: string;
	amount: number;
	currency: string;
	notes: Notes;
}

export interface SettlementLine {
	settled_at: number;
	order: Order;
	payment: Payment;
	/** Both null: the line is the payment itself. */
	refund: Refund | null;
	transfer: Transfer | null;
	settlement_id: string;
	utr: string;
}

export interface Settlement {
	id: string;
	entity: "settlement";
	amount: number;
	status: "processed";
	fees: number;
	tax: number;
	utr: string;
	created_at: number;
}

export interface StoredOrder {
	api_key: string;
	order: Order;
	payments: Payment[];
	refunds: Refund[];
	transfers: Transfer[];
	/** When the order is paid they fail, for want of a balance to take them from. */
	transfers_fail?: boolean;
}

interface Ledger {
	lines: SettlementLine[];
	settlements: Map<string, Settlement>;
	refundsByKey: Map<string, { request: string; refund: Refund }>;
}

export interface NewOrder {
	amount: number;
	currency: string;
	receipt: string | null;
	notes: Notes;
	transfers: NewTransfer[];
}

export interface PaymentDetails {
	method: Method;
	amount?: number | undefined;
	currency?: string | undefined;
	bank?: string | undefined;
	vpa?: string | undefined;
	card_last4?: string | undefined;
	email?: string | undefined;
	contact?: string | undefined;
}

interface Saved {
	orders: StoredOrder[];
	ledgers: Map<string, Ledger>;
}

const IST_OFFSET_S = 19_800;
const FEE_RATE = 0.02;
const GST_RATE = 0.18;

export const unixNow = () => Math.floor(Date.now() / 1000);

/** YYYY-MM-DD in Kolkata, the day by which Razorpay settles. */
export function istDay(unixSeconds: number): string {
	return new Date((unixSeconds + IST_OFFSET_S) * 1000).toISOString().slice(0, 10);
}

/** 2 % and GST on it; `fee` includes `tax`. */
function chargesOf(amount: number): { fee: number; tax: number } {
	const base = Math.round(amount * FEE_RATE);
	const tax = Math.round(base * GST_RATE);
	return { fee: base + tax, tax };
}

/** All orders, payments and refunds of all accounts, newest `capacity` orders kept. */
export class RazorpayStore {
	readonly #orders = new Map<string, StoredOrder>();
	readonly #byReceipt = new Map<string, StoredOrder[]>();
	readonly #byPayment = new Map<string, StoredOrder>();
	readonly #byRefund = new Map<string, StoredOrder>();
	readonly #ledgers = new Map<string, Ledger>();
	readonly #capacity: number;

	constructor(capacity: number) {
		this.#capacity = capacity;
	}

	createOrder(apiKey: string, { amount, currency, receipt, notes, transfers }: NewOrder): StoredOrder {
		const order: Order = {
			amount,
			amount_due: amount,
			amount_paid: 0,
			attempts: 0,
			created_at: unixNow(),
			currency,
			entity: "order",
			id: `order_${randomAlphanumeric(14)}`,
			notes,
			offer_id: null,
			receipt,
			status: "created",
		};
		const stored: StoredOrder = {
			api_key: apiKey,
			order,
			payments: [],
			refunds: [],
			transfers: transfers.map((transfer) => newTransfer(transfer, order.id)),
		};
		this.#add(stored);
		if (this.#orders.size > this.#capacity) this.#forgetOldest();
		return stored;
	}

	findOrder(apiKey: string, id: string): StoredOrder | undefined {
		const stored = this.#orders.get(id);
		return stored?.api_key === apiKey ? stored : undefined;
	}

	/** By order id, receipt or the value of a note, whoever's it is; the newest when several answer to it. */
	searchOrder(name: string): StoredOrder | undefined {
		const named = this.#orders.get(name) ?? this.#byReceipt.get(name)?.at(-1);
		if (named) return named;
		return this.#newestFirst().find(({ order }) => Object.values(order.notes).includes(name));
	}

	listOrders(apiKey: string, filter: { receipt?: string | undefined; from?: number; to?: number }): Order[] {
		const candidates =
			filter.receipt === undefined ? this.#newestFirst() : [...(this.#byReceipt.get(filter.receipt) ?? [])].reverse();
		return candidates
			.filter(
				({ api_key, order }) =>
					api_key === apiKey &&
					(filter.from === undefined || order.created_at >= filter.from) &&
					(filter.to === undefined || order.created_at <= filter.to),
			)
			.map(({ order }) => order);
	}

	recentOrders(limit: number): StoredOrder[] {
		return this.#newestFirst().slice(0, limit);
	}

	findPayment(apiKey: string, id: string): { stored: StoredOrder; payment: Payment } | undefined {
		const stored = this.#byPayment.get(id);
		const payment = stored?.payments.find((candidate) => candidate.id === id);
		return stored?.api_key === apiKey && payment ? { stored, payment } : undefined;
	}

	findRefund(apiKey: string, id: string): Refund | undefined {
		const stored = this.#byRefund.get(id);
		return stored?.api_key === apiKey ? stored.refunds.find((refund) => refund.id === id) : undefined;
	}

	startPayment(stored: StoredOrder, details: PaymentDetails): Payment {
		const { order } = stored;
		const payment: Payment = {
			id: `pay_${randomAlphanumeric(14)}`,
			entity: "payment",
			amount: details.amount ?? order.amount,
			currency: details.currency ?? order.currency,
			base_amount: details.amount ?? order.amount,
			status: "created",
			order_id: order.id,
			invoice_id: null,
			international: false,
			method: details.method,
			amount_refunded: 0,
			amount_transferred: 0,
			refund_status: null,
			captured: false,
			description: null,
			card_id: null,
			bank: null,
			wallet: null,
			vpa: null,
			email: details.email ?? "payer@example.com",
			contact: details.contact ?? "+919000090000",
			notes: order.notes,
			fee: null,
			tax: null,
			error_code: null,
			error_description: null,
			error_source: null,
			error_step: null,
			error_reason: null,
			acquirer_data: {},
			created_at: unixNow(),
		};
		describeInstrument(payment, details);
		stored.payments.push(payment);
		this.#byPayment.set(payment.id, stored);
		order.attempts += 1;
		if (order.status === "created") order.status = "attempted";
		return payment;
	}

	authorize(payment: Payment): void {
		payment.status = "authorized";
		payment.error_code = null;
		payment.error_description = null;
		payment.error_source = null;
		payment.error_step = null;
		payment.error_reason = null;
		payment.acquirer_data = acquirerData(payment.method);
	}

	capture(stored: StoredOrder, payment: Payment): void {
		const { order } = stored;
		Object.assign(payment, chargesOf(payment.amount), { status: "captured", captured: true });
		order.status = "paid";
		order.amount_paid = order.amount;
		order.amount_due = 0;
		this.#settle(stored, payment);
		this.moveTransfers(stored, payment);
	}

	/** Those of the order that have not come through; Razorpay tries one that failed again, three times, a day apart. Answers them. */
	moveTransfers(stored: StoredOrder, payment: Payment): Transfer[] {
		const waiting = stored.transfers.filter(({ status }) => status === "created" || status === "failed");
		for (const transfer of waiting) {
			if (stored.transfers_fail) failTransfer(transfer);
			else this.#processTransfer(stored, payment, transfer);
		}
		return waiting;
	}

	transfer(stored: StoredOrder, payment: Payment, requests: NewTransfer[]): Transfer[] {
		if (!payment.captured) throw new RazorpayError(400, "The payment status should be captured for action to be taken");
		const asked = requests.reduce((sum, { amount }) => sum + amount, payment.amount_transferred);
		if (asked > payment.amount) {
			const words = "The sum of amount requested for transfer is greater than the captured amount";
			throw new RazorpayError(400, words, { field: "transfers" });
		}
		const transfers = requests.map((request) => newTransfer(request, payment.id));
		stored.transfers.push(...transfers);
		const answers = transfers.map((transfer): Transfer => ({ ...transfer, status: "pending" }));
		for (const transfer of transfers) this.#processTransfer(stored, payment, transfer);
		return answers;
	}

	#processTransfer(stored: StoredOrder, payment: Payment, transfer: Transfer): void {
		Object.assign(transfer, { status: "processed", processed_at: unixNow(), error: noError(transfer.id) });
		payment.amount_transferred += transfer.amount;
		this.#settle(stored, payment, { transfer });
	}

	fail(payment: Payment, reason: string = DEFAULT_DECLINE): void {
		const decline = DECLINES[reason] ?? { ...DECLINES[DEFAULT_DECLINE]!, description: "Payment failed" };
		payment.status = "failed";
		payment.error_code = reason.includes("technical") ? "GATEWAY_ERROR" : "BAD_REQUEST_ERROR";
		payment.error_description = decline.description;
		payment.error_source = decline.source;
		payment.error_step = decline.step;
		payment.error_reason = reason;
		payment.acquirer_data = Object.fromEntries(Object.keys(acquirerData(payment.method)).map((key) => [key, null]));
	}

	/** Repeated with the same key and request it answers the first refund again. */
	refund(
		stored: StoredOrder,
		payment: Payment,
		request: { amount?: number | undefined; speed: "normal" | "optimum"; notes: Notes; receipt: string | null },
		idempotency: { key: string; request: string } | null,
	): { refund: Refund; created: boolean } {
		const ledger = this.#ledger(stored.api_key);
		const earlier = idempotency === null ? undefined : ledger.refundsByKey.get(idempotency.key);
		if (earlier !== undefined) {
			if (earlier.request === idempotency!.request) return { refund: earlier.refund, created: false };
			throw new RazorpayError(409, "Different request with the same idempotency key has already been processed.");
		}
		if (!payment.captured) throw new RazorpayError(400, "The payment status should be captured for action to be taken");
		if (payment.amount_refunded === payment.amount)
			throw new RazorpayError(400, "The payment has been fully refunded already");
		const amount = request.amount ?? payment.amount - payment.amount_refunded;
		if (amount > payment.amount - payment.amount_refunded)
			throw new RazorpayError(400, "The refund amount provided is greater than amount captured", { field: "amount" });
		const refund: Refund = {
			id: `rfnd_${randomAlphanumeric(14)}`,
			entity: "refund",
			amount,
			currency: payment.currency,
			payment_id: payment.id,
			notes: request.notes,
			receipt: request.receipt,
			acquirer_data: { arn: null },
			created_at: unixNow(),
			batch_id: null,
			status: "pending",
			speed_processed: request.speed === "optimum" ? "instant" : "normal",
			speed_requested: request.speed,
		};
		payment.amount_refunded += amount;
		payment.refund_status = payment.amount_refunded === payment.amount ? "full" : "partial";
		if (payment.refund_status === "full") payment.status = "refunded";
		stored.refunds.push(refund);
		this.#byRefund.set(refund.id, stored);
		if (idempotency !== null) ledger.refundsByKey.set(idempotency.key, { request: idempotency.request, refund });
		return { refund, created: true };
	}

	/** Whoever's it is. */
	searchRefund(id: string): { stored: StoredOrder; payment: Payment; refund: Refund } | undefined {
		const stored = this.#byRefund.get(id);
		const refund = stored?.refunds.find((candidate) => candidate.id === id);
		const payment = stored?.payments.find((candidate) => candidate.id === refund?.payment_id);
		return stored && refund && payment ? { stored, payment, refund } : undefined;
	}

	processRefund(stored: StoredOrder, payment: Payment, refund: Refund): void {
		refund.status = "processed";
		refund.acquirer_data.arn = randomDigits(12);
		this.#settle(stored, payment, { refund });
	}

	/** The bank has sent it back: the money is the merchant's again. */
	failRefund(stored: StoredOrder, payment: Payment, refund: Refund): void {
		refund.status = "failed";
		refund.acquirer_data.arn = null;
		payment.amount_refunded -= refund.amount;
		payment.refund_status = payment.amount_refunded === 0 ? null : "partial";
		payment.status = "captured";
		const ledger = this.#ledger(stored.api_key);
		const line = ledger.lines.find((candidate) => candidate.refund === refund);
		if (line === undefined) return;
		ledger.lines = ledger.lines.filter((candidate) => candidate !== line);
		ledger.settlements.get(istDay(line.settled_at))!.amount += refund.amount;
	}

	/** Lines settled on days that begin so: "2026-11" is a month, "2026-11-21" a day. */
	settlementLines(apiKey: string, dayPrefix: string): SettlementLine[] {
		return this.#ledger(apiKey).lines.filter((line) => istDay(line.settled_at).startsWith(dayPrefix));
	}

	settlements(apiKey: string): Settlement[] {
		return [...this.#ledger(apiKey).settlements.values()].reverse();
	}

	/** The newest orders with all that belongs to them. V8's format keeps which entry refers to which object. */
	save(): Buffer {
		const orders = [...this.#orders.values()].slice(-MAX_SAVED);
		const kept = new Set(orders.map(({ order }) => order));
		const ledgers = new Map<string, Ledger>();
		for (const [apiKey, ledger] of this.#ledgers) {
			ledgers.set(apiKey, { ...ledger, lines: ledger.lines.filter(({ order }) => kept.has(order)) });
		}
		return serialize({ orders, ledgers } satisfies Saved);
	}

	restore(saved: Buffer): void {
		const { orders, ledgers } = deserialize(saved) as Saved;
		for (const stored of orders) this.#add(stored);
		for (const [apiKey, ledger] of ledgers) this.#ledgers.set(apiKey, ledger);
	}

	#add(stored: StoredOrder): void {
		const { order, payments, refunds } = stored;
		// A file that an older sandbox wrote has none.
		stored.transfers ??= [];
		this.#orders.set(order.id, stored);
		for (const payment of payments) this.#byPayment.set(payment.id, stored);
		for (const refund of refunds) this.#byRefund.set(refund.id, stored);
		if (order.receipt === null) return;
		const namesakes = this.#byReceipt.get(order.receipt);
		if (namesakes) namesakes.push(stored);
		else this.#byReceipt.set(order.receipt, [stored]);
	}

	/** Everything is settled the moment it happens, in one settlement an account and day. */
	#settle(
		stored: StoredOrder,
		payment: Payment,
		{ refund = null, transfer = null }: { refund?: Refund | null; transfer?: Transfer | null } = {},
	): void {
		const ledger = this.#ledger(stored.api_key);
		const now = unixNow();
		const day = istDay(now);
		let settlement = ledger.settlements.get(day);
		if (settlement === undefined) {
			settlement = {
				id: `setl_${randomAlphanumeric(14)}`,
				entity: "settlement",
				amount: 0,
				status: "processed",
				fees: 0,
				tax: 0,
				utr: `${now}${randomAlphanumeric(6).toLowerCase()}`,
				created_at: now,
			};
			ledger.settlements.set(day, settlement);
		}
		const paid_out = refund ?? transfer;
		settlement.amount += paid_out === null ? payment.amount - payment.fee! : -paid_out.amount;
		settlement.fees += paid_out === null ? payment.fee! : 0;
		settlement.tax += paid_out === null ? payment.tax! : 0;
		ledger.lines.push({
			settled_at: now,
			order: stored.order,
			payment,
			refund,
			transfer,
			settlement_id: settlement.id,
			utr: settlement.utr,
		});
		if (ledger.lines.length > this.#capacity) ledger.lines.shift();
	}

	#ledger(apiKey: string): Ledger {
		let ledger = this.#ledgers.get(apiKey);
		if (ledger === undefined) {
			ledger = { lines: [], settlements: new Map(), refundsByKey: new Map() };
			this.#ledgers.set(apiKey, ledger);
		}
		return ledger;
	}

	#newestFirst(): StoredOrder[] {
		return [...this.#orders.values()].reverse();
	}

	#forgetOldest(): void {
		const oldest = this.#orders.values().next().value!;
		this.#orders.delete(oldest.order.id);
		for (const payment of oldest.payments) this.#byPayment.delete(payment.id);
		for (const refund of oldest.refunds) this.#byRefund.delete(refund.id);
		if (oldest.order.receipt === null) return;
		// Kept in the order they came, so the oldest of all is the first of its name.
		const namesakes = this.#byReceipt.get(oldest.order.receipt)!;
		namesakes.shift();
		if (namesakes.length === 0) this.#byReceipt.delete(oldest.order.receipt);
	}
}

function newTransfer({ account, ...fields }: NewTransfer, source: string): Transfer {
	const id = `trf_${randomAlphanumeric(14)}`;
	return {
		...fields,
		id,
		entity: "transfer",
		status: "created",
		source,
		recipient: account,
		amount_reversed: 0,
		linked_account_notes: [],
		on_hold: false,
		on_hold_until: null,
		recipient_settlement_id: null,
		created_at: unixNow(),
		processed_at: null,
		error: noError(id),
	};
}

function noError(id: string): Transfer["error"] {
	return { code: null, description: null, reason: null, field: null, step: null, id, source: null, metadata: null };
}

function failTransfer(transfer: Transfer): void {
	transfer.status = "failed";
	transfer.error = {
		...transfer.error,
		code: "BAD_REQUEST_TRANSFER_INSUFFICIENT_BALANCE",
		description: "Transfer failed due to insufficient balance",
		reason: "insufficient_balance",
		step: "balance_check",
		source: "transfer",
	};
}

function acquirerData(method: Method): Record<string, string> {
	switch (method) {
		case "upi":
			return { rrn: randomDigits(12), upi_transaction_id: randomAlphanumeric(32).toUpperCase() };
		case "card":
			return { auth_code: randomDigits(6) };
		case "netbanking":
			return { bank_transaction_id: randomDigits(7) };
	}
}

function describeInstrument(payment: Payment, details: PaymentDetails): void {
	switch (details.method) {
		case "upi": {
			const vpa = details.vpa ?? "asha.rao@okbank";
			payment.vpa = vpa;
			payment.upi = { payer_account_type: "bank_account", vpa, flow: "intent" };
			return;
		}
		case "card":
			payment.card_id = `card_${randomAlphanumeric(14)}`;
			payment.card = {
				id: payment.card_id,
				entity: "card",
				name: "Asha Rao",
				last4: details.card_last4 ?? "1111",
				network: "Visa",
				type: "credit",
				issuer: "HDFC",
				international: false,
				emi: false,
				sub_type: "consumer",
			};
			return;
		case "netbanking":
			payment.bank = details.bank ?? "HDFC";
	}
}
