import { deserialize, serialize } from "node:v8";
import { randomAlphanumeric, randomDigits } from "../ids.ts";
import { MAX_SAVED } from "../state-file.ts";
import { badRequest, declineOf, excessRefund } from "./errors.ts";

export type Method = "upi" | "card" | "netbanking";

interface Rail {
	type: "UPI" | "PG";
	utr?: string;
	upiTransactionId?: string;
	vpa?: string;
	authorizationCode?: string;
}

interface Instrument {
	type: "ACCOUNT" | "CREDIT_CARD" | "NET_BANKING";
	[field: string]: string;
}

/** One try to pay an order, as PhonePe lists it under paymentDetails. */
export interface Payment {
	transactionId: string;
	paymentMode: "UPI_QR" | "CARD" | "NET_BANKING";
	timestamp: number;
	amount: number;
	payableAmount: number;
	feeAmount: number;
	state: "PENDING" | "COMPLETED" | "FAILED";
	errorCode?: string;
	detailedErrorCode?: string;
	rail?: Rail;
	instrument?: Instrument;
	splitInstruments?: { instrument: Instrument; rail: Rail; amount: number }[];
}

export interface Refund {
	refundId: string;
	merchantRefundId: string;
	originalMerchantOrderId: string;
	amount: number;
	state: "PENDING" | "CONFIRMED" | "COMPLETED" | "FAILED";
	timestamp: number;
	errorCode?: string;
	detailedErrorCode?: string;
}

export interface ErrorContext {
	errorCode: string;
	detailedErrorCode: string;
	source: string;
	stage: string;
	description: string;
}

export interface Order {
	api_key: string;
	orderId: string;
	merchantOrderId: string;
	amount: number;
	state: "PENDING" | "COMPLETED" | "FAILED";
	expireAt: number;
	metaInfo: Record<string, string> | undefined;
	message: string | null;
	redirectUrl: string | null;
	/** The ways to pay that the merchant left. */
	methods: Method[];
	allowsRetry: boolean;
	/** Part of the page's address; whoever has it may pay. */
	pageToken: string;
	/** From then on PhonePe no longer takes the same pay call again. */
	isOpened: boolean;
	error: ErrorContext | null;
	payments: Payment[];
	refunds: Refund[];
	createdAt: number;
}

export interface NewOrder {
	merchantOrderId: string;
	amount: number;
	expireAfter: number;
	metaInfo: Record<string, string> | undefined;
	message: string | null;
	redirectUrl: string | null;
	methods: Method[];
	allowsRetry: boolean;
}

/** PhonePe's ids hold the time to the second, then digits. */
function newId(prefix: string): string {
	const time = new Date().toISOString().replace(/\D/g, "").slice(2, 14);
	return `${prefix}${time}${randomDigits(10)}`;
}

/** All orders, payments and refunds of all accounts, newest `capacity` orders kept. */
export class PhonePeStore {
	readonly #orders = new Map<string, Order>();
	readonly #byMerchantOrderId = new Map<string, Order>();
	/** Accounts may use the same id; the newest has it here. */
	readonly #newestByMerchantOrderId = new Map<string, Order>();
	readonly #byPageToken = new Map<string, Order>();
	readonly #byTransaction = new Map<string, Order>();
	readonly #byRefund = new Map<string, Order>();
	readonly #capacity: number;

	constructor(capacity: number) {
		this.#capacity = capacity;
	}

	/** The same call again, before anybody opened the page, is answered with the same order. */
	createOrder(api_key: string, { expireAfter, ...wanted }: NewOrder): Order {
		const earlier = this.findOrder(api_key, wanted.merchantOrderId);
		if (earlier !== undefined) {
			if (earlier.isOpened || earlier.state !== "PENDING" || earlier.amount !== wanted.amount) throw badRequest();
			return earlier;
		}
		const order: Order = {
			...wanted,
			api_key,
			orderId: newId("OMO"),
			state: "PENDING",
			expireAt: Date.now() + expireAfter * 1000,
			pageToken: randomAlphanumeric(48),
			isOpened: false,
			error: null,
			payments: [],
			refunds: [],
			createdAt: Date.now(),
		};
		this.#add(order);
		if (this.#orders.size > this.#capacity) this.#forgetOldest();
		return order;
	}

	findOrder(api_key: string, merchantOrderId: string): Order | undefined {
		return this.#current(this.#byMerchantOrderId.get(`${api_key}:${merchantOrderId}`));
	}

	findTransaction(api_key: string, transactionId: string): { order: Order; payment: Payment } | undefined {
		const order = this.#current(this.#byTransaction.get(transactionId));
		const payment = order?.payments.find((candidate) => candidate.transactionId === transactionId);
		return order?.api_key === api_key && payment ? { order, payment } : undefined;
	}

	openPage(pageToken: string): Order | undefined {
		const order = this.#current(this.#byPageToken.get(pageToken));
		if (order !== undefined) order.isOpened = true;
		return order;
	}

	/** By PhonePe's id of the order or the merchant's, whoever's it is. */
	searchOrder(name: string): Order | undefined {
		return this.#current(this.#orders.get(name) ?? this.#newestByMerchantOrderId.get(name));
	}

	recentOrders(limit: number): Order[] {
		const newest = [...this.#orders.values()].slice(-limit).reverse();
		return newest.map((order) => this.#current(order)!);
	}

	startPayment(order: Order, method: Method, amount = order.amount): Payment {
		order.isOpened = true;
		const payment: Payment = {
			transactionId: newId("OM"),
			paymentMode: method === "upi" ? "UPI_QR" : method === "card" ? "CARD" : "NET_BANKING",
			timestamp: Date.now(),
			amount,
			payableAmount: amount,
			feeAmount: 0,
			state: "PENDING",
		};
		order.payments.push(payment);
		this.#byTransaction.set(payment.transactionId, order);
		return payment;
	}

	complete(order: Order, payment: Payment): void {
		const { rail, instrument } = describeInstrument(payment);
		payment.state = "COMPLETED";
		payment.rail = rail;
		payment.instrument = instrument;
		payment.splitInstruments = [{ instrument, rail, amount: payment.amount }];
		order.state = "COMPLETED";
		order.error = null;
	}

	/** The payer may try again on PhonePe's page, unless the merchant did not want it. */
	fail(order: Order, payment: Payment, reason: string | undefined): void {
		const { errorCode, detailedErrorCode, source, stage, description } = declineOf(reason);
		payment.state = "FAILED";
		payment.errorCode = errorCode;
		payment.detailedErrorCode = detailedErrorCode;
		if (!order.allowsRetry) {
			order.state = "FAILED";
			order.error = { errorCode, detailedErrorCode, source, stage, description };
		}
	}

	cancel(order: Order): void {
		order.state = "FAILED";
		order.error = {
			errorCode: "TXN_CANCELLED",
			detailedErrorCode: "TXN_CANCELLED",
			source: "CUSTOMER",
			stage: "PRE_AUTHENTICATION",
			description: "Customer cancelled the payment.",
		};
	}

	refund(order: Order, merchantRefundId: string, amount: number): Refund {
		if (this.findRefund(order.api_key, merchantRefundId) !== undefined) throw badRequest();
		if (order.state !== "COMPLETED") throw badRequest();
		const paid = order.payments.find(({ state }) => state === "COMPLETED")!.amount;
		const given = order.refunds.reduce((sum, refund) => sum + (refund.state === "FAILED" ? 0 : refund.amount), 0);
		if (amount > paid - given) throw excessRefund();
		const refund: Refund = {
			refundId: newId("OMR"),
			merchantRefundId,
			originalMerchantOrderId: order.merchantOrderId,
			amount,
			state: "PENDING",
			timestamp: Date.now(),
		};
		order.refunds.push(refund);
		this.#indexRefund(order, refund);
		return refund;
	}

	findRefund(api_key: string, merchantRefundId: string): { order: Order; refund: Refund } | undefined {
		const order = this.#byRefund.get(`${api_key}:${merchantRefundId}`);
		const refund = order?.refunds.find((candidate) => candidate.merchantRefundId === merchantRefundId);
		return order && refund ? { order, refund } : undefined;
	}

	/** By PhonePe's id of it, whoever's it is. */
	searchRefund(refundId: string): { order: Order; refund: Refund } | undefined {
		const order = this.#byRefund.get(refundId);
		const refund = order?.refunds.find((candidate) => candidate.refundId === refundId);
		return order && refund ? { order, refund } : undefined;
	}

	decideRefund(refund: Refund, outcome: "success" | "failure"): void {
		refund.state = outcome === "success" ? "COMPLETED" : "FAILED";
		if (outcome === "failure") Object.assign(refund, { errorCode: "BANK_TECHNICAL_ISSUE", detailedErrorCode: "U90" });
	}

	save(): Buffer {
		return serialize([...this.#orders.values()].slice(-MAX_SAVED));
	}

	restore(saved: Buffer): void {
		for (const order of deserialize(saved) as Order[]) this.#add(order);
	}

	/** Nobody has to wait for an order to run out: whoever looks at it afterwards finds it so. */
	#current(order: Order | undefined): Order | undefined {
		if (order?.state !== "PENDING" || order.expireAt > Date.now()) return order;
		// A payment that the bank has not decided keeps the order open.
		if (order.payments.some(({ state }) => state === "PENDING")) return order;
		order.state = "FAILED";
		order.error = {
			errorCode: "ORDER_EXPIRED",
			detailedErrorCode: "ORDER_EXPIRED",
			source: "CUSTOMER",
			stage: "PRE_AUTHENTICATION",
			description: "The order expired before it was paid.",
		};
		return order;
	}

	#add(order: Order): void {
		this.#orders.set(order.orderId, order);
		this.#byMerchantOrderId.set(`${order.api_key}:${order.merchantOrderId}`, order);
		this.#newestByMerchantOrderId.set(order.merchantOrderId, order);
		this.#byPageToken.set(order.pageToken, order);
		for (const { transactionId } of order.payments) this.#byTransaction.set(transactionId, order);
		for (const refund of order.refunds) this.#indexRefund(order, refund);
	}

	#indexRefund(order: Order, { refundId, merchantRefundId }: Refund): void {
		this.#byRefund.set(refundId, order);
		this.#byRefund.set(`${order.api_key}:${merchantRefundId}`, order);
	}

	#forgetOldest(): void {
		const oldest = this.#orders.values().next().value!;
		this.#orders.delete(oldest.orderId);
		this.#byMerchantOrderId.delete(`${oldest.api_key}:${oldest.merchantOrderId}`);
		if (this.#newestByMerchantOrderId.get(oldest.merchantOrderId) === oldest) {
			this.#newestByMerchantOrderId.delete(oldest.merchantOrderId);
		}
		this.#byPageToken.delete(oldest.pageToken);
		for (const { transactionId } of oldest.payments) this.#byTransaction.delete(transactionId);
		for (const { refundId, merchantRefundId } of oldest.refunds) {
			this.#byRefund.delete(refundId);
			this.#byRefund.delete(`${oldest.api_key}:${merchantRefundId}`);
		}
	}
}

function describeInstrument({ paymentMode }: Payment): { rail: Rail; instrument: Instrument } {
	switch (paymentMode) {
		case "UPI_QR":
			return {
				rail: {
					type: "UPI",
					utr: randomDigits(12),
					upiTransactionId: `YBL${randomAlphanumeric(32).toLowerCase()}`,
					vpa: "as****ao@ybl",
				},
				instrument: {
					type: "ACCOUNT",
					maskedAccountNumber: "XXXXXXXX1234",
					accountType: "SAVINGS",
					accountHolderName: "Asha Rao",
				},
			};
		case "CARD":
			return {
				rail: { type: "PG", authorizationCode: randomDigits(6) },
				instrument: {
					type: "CREDIT_CARD",
					bankId: "HDFC",
					brn: randomDigits(12),
					geoScope: "DOMESTIC",
					cardNetwork: "VISA",
					maskedCardNumber: "******1111",
				},
			};
		case "NET_BANKING":
			return { rail: { type: "PG" }, instrument: { type: "NET_BANKING", bankId: "SBIN", brn: randomDigits(10) } };
	}
}
