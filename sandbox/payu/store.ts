import { deserialize, serialize } from "node:v8";
import { randomAlphanumeric, randomDigits } from "../ids.ts";
import { MAX_SAVED } from "../state-file.ts";
import { DECLINES, DEFAULT_DECLINE } from "./declines.ts";
import type { Fields } from "./hash.ts";

export type Method = "upi" | "card" | "netbanking";

export interface Payment {
	mihpayid: string;
	/** PayU's number of the capture among the actions of the payment. */
	request_id: string;
	/** Paise. */
	amount: number;
	mode: "UPI" | "CC" | "NB";
	bankcode: string;
	PG_TYPE: string;
	card_no: string;
	status: "success" | "failure" | "pending";
	unmappedstatus: string;
	error: string;
	error_Message: string;
	bank_ref_num: string;
	/** Unix milliseconds. */
	added_on: number;
}

export interface Refund {
	request_id: string;
	token: string;
	/** Paise. */
	amount: number;
	status: "queued" | "success" | "failure";
	bank_arn: string | null;
	bank_ref_num: string;
	requested_at: number;
}

export interface SplitPart {
	merchantKey: string;
	aggregatorSubTxnId: string;
	/** Paise. */
	amount: number;
	splitType: "split" | "commission";
}

export interface StoredOrder {
	api_key: string;
	/** As the merchant's page posted it. */
	form: Fields;
	/** Paise. */
	amount: number;
	created_at: number;
	payments: Payment[];
	/** All are of the one payment that succeeded. */
	refunds: Refund[];
	splits: SplitPart[];
}

export interface SettledLine {
	settled_at: number;
	stored: StoredOrder;
	payment: Payment;
	/** null: the line is the payment itself. */
	refund: Refund | null;
	utr: string;
	settlement_id: string;
}

interface Ledger {
	lines: SettledLine[];
	/** By day. */
	settlements: Map<string, { settlement_id: string; utr: string }>;
	tokens: Map<string, Refund>;
}

interface Saved {
	orders: StoredOrder[];
	ledgers: Map<string, Ledger>;
}

const IST_OFFSET_MS = 19_800_000;

/** "2026-11-21 14:03:09" in Kolkata, as PayU writes times. */
export function istTime(at: number): string {
	return new Date(at + IST_OFFSET_MS).toISOString().slice(0, 19).replace("T", " ");
}

export function istDay(at: number): string {
	return istTime(at).slice(0, 10);
}

export function rupees(paise: number): string {
	return (paise / 100).toFixed(2);
}

/** 2 % and GST on it, in paise. */
export function chargesOf(amount: number): { fee: number; tax: number } {
	const fee = Math.round(amount * 0.02);
	return { fee, tax: Math.round(fee * 0.18) };
}

export function succeededPayment({ payments }: StoredOrder): Payment | undefined {
	return payments.find(({ status, unmappedstatus }) => status === "success" && unmappedstatus === "captured");
}

/** What verify_payment tells of an order: a success if there is one, else the latest. */
export function tellingPayment({ payments }: StoredOrder): Payment | undefined {
	return payments.find(({ status }) => status === "success") ?? payments.at(-1);
}

const instruments: Record<Method, Pick<Payment, "mode" | "bankcode" | "PG_TYPE" | "card_no">> = {
	upi: { mode: "UPI", bankcode: "UPI", PG_TYPE: "UPI-PG", card_no: "" },
	card: { mode: "CC", bankcode: "VISA", PG_TYPE: "CC-PG", card_no: "XXXXXXXXXXXX1111" },
	netbanking: { mode: "NB", bankcode: "HDFB", PG_TYPE: "NB-PG", card_no: "" },
};

/** All orders, payments and refunds of all accounts, newest `capacity` orders kept. */
export class PayuStore {
	readonly #orders = new Map<string, StoredOrder>();
	/** By txnid and by udf1, whoever's they are. */
	readonly #byName = new Map<string, StoredOrder>();
	readonly #byPayment = new Map<string, StoredOrder>();
	readonly #byRefund = new Map<string, StoredOrder>();
	readonly #ledgers = new Map<string, Ledger>();
	readonly #capacity: number;

	constructor(capacity: number) {
		this.#capacity = capacity;
	}

	/** PayU learns of an order when a payer's browser brings the form. */
	openOrder(api_key: string, form: Fields, amount: number): StoredOrder {
		const stored: StoredOrder = {
			api_key,
			form,
			amount,
			created_at: Date.now(),
			payments: [],
			refunds: [],
			splits: splitsOf(form, api_key),
		};
		this.#add(stored);
		if (this.#orders.size > this.#capacity) this.#forgetOldest();
		return stored;
	}

	findOrder(api_key: string, txnid: string): StoredOrder | undefined {
		return this.#orders.get(`${api_key}:${txnid}`);
	}

	/** By txnid or udf1, whoever's it is; the newest when several answer to it. */
	searchOrder(name: string): StoredOrder | undefined {
		return this.#byName.get(name);
	}

	recentOrders(limit: number): StoredOrder[] {
		return [...this.#orders.values()].slice(-limit).reverse();
	}

	findPayment(api_key: string, mihpayid: string): { stored: StoredOrder; payment: Payment } | undefined {
		const stored = this.#byPayment.get(mihpayid);
		const payment = stored?.payments.find((candidate) => candidate.mihpayid === mihpayid);
		return stored?.api_key === api_key && payment ? { stored, payment } : undefined;
	}

	startPayment(stored: StoredOrder, method: Method, amount: number): Payment {
		const payment: Payment = {
			mihpayid: `4039937155${randomDigits(8)}`,
			request_id: randomDigits(11).replace(/^0/, "1"),
			amount,
			...instruments[method],
			status: "pending",
			unmappedstatus: "in progress",
			error: "E000",
			error_Message: "No Error",
			bank_ref_num: "",
			added_on: Date.now(),
		};
		stored.payments.push(payment);
		this.#byPayment.set(payment.mihpayid, stored);
		return payment;
	}

	authorize(payment: Payment): void {
		const bank_ref_num = payment.bank_ref_num || randomDigits(12);
		const told = { error: "E000", error_Message: "No Error", bank_ref_num };
		Object.assign(payment, told, { status: "success", unmappedstatus: "auth" });
	}

	capture(stored: StoredOrder, payment: Payment): void {
		this.authorize(payment);
		payment.unmappedstatus = "captured";
		this.#settle(stored, payment, null);
	}

	fail(payment: Payment, reason: string = DEFAULT_DECLINE): void {
		const { error, message, unmappedstatus } = DECLINES[Object.hasOwn(DECLINES, reason) ? reason : DEFAULT_DECLINE]!;
		Object.assign(payment, { status: "failure", unmappedstatus, error, error_Message: message, bank_ref_num: "" });
	}

	/** Whether the merchant has used the token, for any payment. */
	knowsToken(api_key: string, token: string): boolean {
		return this.#ledger(api_key).tokens.has(token);
	}

	refund(stored: StoredOrder, token: string, amount: number): Refund {
		const refund: Refund = {
			request_id: randomDigits(11).replace(/^0/, "1"),
			token,
			amount,
			status: "queued",
			bank_arn: null,
			bank_ref_num: "",
			requested_at: Date.now(),
		};
		stored.refunds.push(refund);
		this.#byRefund.set(refund.request_id, stored);
		this.#ledger(stored.api_key).tokens.set(token, refund);
		return refund;
	}

	findRefund(request_id: string): { stored: StoredOrder; payment: Payment; refund: Refund } | undefined {
		const stored = this.#byRefund.get(request_id);
		const refund = stored?.refunds.find((candidate) => candidate.request_id === request_id);
		const payment = stored && succeededPayment(stored);
		return stored && refund && payment ? { stored, payment, refund } : undefined;
	}

	processRefund(stored: StoredOrder, payment: Payment, refund: Refund): void {
		Object.assign(refund, { status: "success", bank_arn: randomDigits(12), bank_ref_num: randomDigits(12) });
		this.#settle(stored, payment, refund);
	}

	/** The bank has sent it back: the money is the merchant's again. */
	failRefund(stored: StoredOrder, refund: Refund): void {
		Object.assign(refund, { status: "failure", bank_arn: null });
		const ledger = this.#ledger(stored.api_key);
		ledger.lines = ledger.lines.filter((line) => line.refund !== refund);
	}

	/** Settled on that day (Asia/Kolkata), or in the settlement with that UTR. */
	settledLines(api_key: string, day_or_utr: string): SettledLine[] {
		return this.#ledger(api_key).lines.filter(
			({ settled_at, utr }) => istDay(settled_at) === day_or_utr || utr === day_or_utr,
		);
	}

	/** The newest orders with all that belongs to them. V8's format keeps which entry refers to which object. */
	save(): Buffer {
		const orders = [...this.#orders.values()].slice(-MAX_SAVED);
		const kept = new Set(orders);
		const ledgers = new Map<string, Ledger>();
		for (const [api_key, ledger] of this.#ledgers) {
			ledgers.set(api_key, { ...ledger, lines: ledger.lines.filter(({ stored }) => kept.has(stored)) });
		}
		return serialize({ orders, ledgers } satisfies Saved);
	}

	restore(saved: Buffer): void {
		const { orders, ledgers } = deserialize(saved) as Saved;
		for (const stored of orders) this.#add(stored);
		for (const [api_key, ledger] of ledgers) this.#ledgers.set(api_key, ledger);
	}

	#add(stored: StoredOrder): void {
		this.#orders.set(`${stored.api_key}:${stored.form.txnid}`, stored);
		for (const name of namesOf(stored)) this.#byName.set(name, stored);
		for (const payment of stored.payments) this.#byPayment.set(payment.mihpayid, stored);
		for (const refund of stored.refunds) this.#byRefund.set(refund.request_id, stored);
	}

	/** Everything is settled the moment it happens, in one settlement an account and day. */
	#settle(stored: StoredOrder, payment: Payment, refund: Refund | null): void {
		const ledger = this.#ledger(stored.api_key);
		const settled_at = Date.now();
		const day = istDay(settled_at);
		const settlement = ledger.settlements.get(day) ?? {
			settlement_id: `8599910${day.replaceAll("-", "")}${randomDigits(4)}`,
			utr: `PAYUN${randomAlphanumeric(11).toUpperCase()}`,
		};
		ledger.settlements.set(day, settlement);
		ledger.lines.push({ settled_at, stored, payment, refund, ...settlement });
		if (ledger.lines.length > this.#capacity) ledger.lines.shift();
	}

	#ledger(api_key: string): Ledger {
		let ledger = this.#ledgers.get(api_key);
		if (ledger === undefined) {
			ledger = { lines: [], settlements: new Map(), tokens: new Map() };
			this.#ledgers.set(api_key, ledger);
		}
		return ledger;
	}

	#forgetOldest(): void {
		const [key, oldest] = this.#orders.entries().next().value!;
		this.#orders.delete(key);
		for (const name of namesOf(oldest)) if (this.#byName.get(name) === oldest) this.#byName.delete(name);
		for (const payment of oldest.payments) this.#byPayment.delete(payment.mihpayid);
		for (const refund of oldest.refunds) this.#byRefund.delete(refund.request_id);
	}
}

function namesOf({ form }: StoredOrder): string[] {
	return [form.txnid ?? "", form.udf1 ?? ""].filter(Boolean);
}

/** What a form or a payment_split asks for, as it is kept; the parent's own share is a commission. */
export function readSplits(splitInfo: Record<string, Record<string, unknown>>, api_key: string): SplitPart[] {
	return Object.entries(splitInfo).flatMap(([merchantKey, part]) => {
		const paise = (value: unknown) => Math.round(Number(value ?? 0) * 100);
		const aggregatorSubTxnId = String(part.aggregatorSubTxnId ?? "");
		const commission = paise(part.aggregatorCharges);
		const parts: SplitPart[] = [
			{ merchantKey, aggregatorSubTxnId, amount: paise(part.aggregatorSubAmt), splitType: "split" },
		];
		if (commission > 0)
			parts.push({ merchantKey: api_key, aggregatorSubTxnId, amount: commission, splitType: "commission" });
		return parts;
	});
}

function splitsOf(form: Fields, api_key: string): SplitPart[] {
	if (form.splitRequest === undefined) return [];
	const { splitInfo } = JSON.parse(form.splitRequest) as { splitInfo: Record<string, Record<string, unknown>> };
	return readSplits(splitInfo, api_key);
}
