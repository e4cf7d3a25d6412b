import { deserialize, serialize } from "node:v8";
import { randomAlphanumeric, randomDigits } from "../ids.ts";
import { MAX_SAVED } from "../state-file.ts";
import { DECLINES, DEFAULT_DECLINE, refused } from "./errors.ts";

export type Metadata = Record<string, string>;
export type Method = "card" | "upi" | "netbanking";

export interface Session {
	id: string;
	object: "checkout.session";
	adaptive_pricing: { enabled: boolean };
	allowed_payment_method_types: string[] | null;
	amount_subtotal: number;
	amount_total: number;
	cancel_url: string | null;
	client_reference_id: string | null;
	created: number;
	currency: string;
	customer: null;
	customer_details: { email: string | null; name: null; phone: null } | null;
	customer_email: string | null;
	expires_at: number;
	livemode: false;
	metadata: Metadata;
	mode: "payment";
	/** There is none before the payer's first try. */
	payment_intent: string | null;
	payment_method_types: Method[];
	payment_status: "unpaid" | "paid";
	status: "open" | "complete" | "expired";
	success_url: string;
	url: string | null;
}

export interface PaymentIntent {
	id: string;
	object: "payment_intent";
	amount: number;
	amount_capturable: number;
	amount_received: number;
	canceled_at: number | null;
	cancellation_reason: string | null;
	capture_method: "automatic" | "automatic_async" | "manual";
	client_secret: string;
	created: number;
	currency: string;
	description: string | null;
	last_payment_error: Record<string, unknown> | null;
	latest_charge: string | null;
	livemode: false;
	metadata: Metadata;
	payment_method_types: Method[];
	status: "requires_payment_method" | "requires_action" | "processing" | "requires_capture" | "succeeded" | "canceled";
	transfer_data: { destination: string; amount: number } | null;
	transfer_group: string | null;
}

export interface Charge {
	id: string;
	object: "charge";
	amount: number;
	amount_captured: number;
	amount_refunded: number;
	balance_transaction: string | null;
	billing_details: Record<string, unknown>;
	captured: boolean;
	created: number;
	currency: string;
	disputed: false;
	failure_code: string | null;
	failure_message: string | null;
	livemode: false;
	metadata: Metadata;
	outcome: Record<string, unknown>;
	paid: boolean;
	payment_intent: string;
	payment_method_details: Record<string, unknown> & { type: Method };
	refunded: boolean;
	status: "succeeded" | "failed";
	transfer_group: string | null;
}

export interface Refund {
	id: string;
	object: "refund";
	amount: number;
	balance_transaction: string | null;
	charge: string;
	created: number;
	currency: string;
	destination_details: Record<string, unknown> & { type: Method };
	failure_reason?: string;
	metadata: Metadata;
	payment_intent: string;
	reason: string | null;
	receipt_number: null;
	status: "pending" | "succeeded" | "failed";
}

export interface Transfer {
	id: string;
	object: "transfer";
	amount: number;
	amount_reversed: number;
	balance_transaction: string;
	created: number;
	currency: string;
	destination: string;
	livemode: false;
	metadata: Metadata;
	reversed: false;
	source_transaction: string;
	transfer_group: string;
}

export interface BalanceTransaction {
	id: string;
	object: "balance_transaction";
	amount: number;
	available_on: number;
	created: number;
	currency: string;
	description: string | null;
	exchange_rate: null;
	fee: number;
	fee_details: { amount: number; application: null; currency: string; description: string; type: string }[];
	net: number;
	reporting_category: string;
	source: string;
	status: "available";
	type: "charge" | "refund" | "refund_failure" | "transfer" | "payout";
}

export interface Payout {
	id: string;
	object: "payout";
	amount: number;
	arrival_date: number;
	automatic: true;
	balance_transaction: string;
	created: number;
	currency: string;
	description: string;
	destination: string;
	livemode: false;
	metadata: Metadata;
	method: "standard";
	reconciliation_status: "completed";
	status: "paid";
	trace_id: { status: "supported"; value: string };
	type: "bank_account";
}

/** As far as webhooks carry it. */
export interface Dispute {
	id: string;
	object: "dispute";
	amount: number;
	currency: string;
	status: string;
	[field: string]: unknown;
}

export type StripeObject = Session | PaymentIntent | Charge | Refund | Transfer | BalanceTransaction | Payout | Dispute;

export interface NewSession {
	amount: number;
	currency: string;
	/** What the page names as bought. */
	product: string;
	cancel_url: string | null;
	client_reference_id: string | null;
	customer_email: string | null;
	expires_at: number;
	methods: string[] | null;
	metadata: Metadata;
	success_url: string;
	intent: {
		capture_method: PaymentIntent["capture_method"];
		description: string | null;
		metadata: Metadata;
		transfer_data: PaymentIntent["transfer_data"];
		transfer_group: string | null;
	};
	/** The page's address but for the session's id. */
	page_url: string;
}

export interface StoredOrder {
	api_key: string;
	session: Session;
	product: string;
	/** For the payment intent that the first try makes. */
	intent_data: NewSession["intent"];
	intent: PaymentIntent | null;
	/** What the payer tries with, or is shown first. */
	method: Method;
	charges: Charge[];
	refunds: Refund[];
	transfers: Transfer[];
}

/** The answer that a call with an idempotency key was given. */
export interface KeptAnswer {
	request: string;
	status: number;
	body: unknown;
	kept_at: number;
}

interface Ledger {
	/** Oldest first. */
	lines: { payout: Payout; line: BalanceTransaction }[];
	/** By day and currency. */
	payouts: Map<string, Payout>;
	answers: Map<string, KeptAnswer>;
}

interface Saved {
	orders: StoredOrder[];
	ledgers: Map<string, Ledger>;
}

export const METHODS: readonly Method[] = ["card", "upi", "netbanking"];

const KEY_LIFE_S = 24 * 60 * 60;
const IST_OFFSET_S = 19_800;
const DAY_S = 86_400;
const FEE_RATE = 0.02;
const GST_RATE = 0.18;

export const unixNow = () => Math.floor(Date.now() / 1000);

/** Payouts arrive on a date, which Stripe writes as its midnight in UTC: here the date in India. */
function arrivalDate(unixSeconds: number): number {
	const shifted = unixSeconds + IST_OFFSET_S;
	return shifted - (shifted % DAY_S);
}

function feeDetails(amount: number, currency: string): BalanceTransaction["fee_details"] {
	const fee = Math.round(amount * FEE_RATE);
	const detail = { application: null, currency };
	return [
		{ ...detail, amount: fee, description: "Stripe processing fees", type: "stripe_fee" },
		{ ...detail, amount: Math.round(fee * GST_RATE), description: "GST", type: "tax" },
	];
}

/** All objects of all accounts, those of the newest `capacity` sessions kept. */
export class StripeStore {
	readonly #orders = new Map<string, StoredOrder>();
	readonly #byReference = new Map<string, StoredOrder>();
	readonly #byObject = new Map<string, { stored: StoredOrder; object: StripeObject }>();
	readonly #ledgers = new Map<string, Ledger>();
	readonly #capacity: number;

	constructor(capacity: number) {
		this.#capacity = capacity;
	}

	createSession(apiKey: string, input: NewSession): StoredOrder {
		const { amount, currency, customer_email, page_url, product, intent, methods, ...fields } = input;
		const id = `cs_test_${randomAlphanumeric(58)}`;
		const session: Session = {
			...fields,
			id,
			object: "checkout.session",
			adaptive_pricing: { enabled: false },
			allowed_payment_method_types: methods,
			amount_subtotal: amount,
			amount_total: amount,
			created: unixNow(),
			currency,
			customer: null,
			customer_details: customer_email === null ? null : { email: customer_email, name: null, phone: null },
			customer_email,
			livemode: false,
			mode: "payment",
			payment_intent: null,
			payment_method_types: METHODS.filter((method) => methods === null || methods.includes(method)),
			payment_status: "unpaid",
			status: "open",
			url: `${page_url}/${id}`,
		};
		const stored: StoredOrder = {
			api_key: apiKey,
			session,
			product,
			intent_data: intent,
			intent: null,
			method: session.payment_method_types[0] ?? "card",
			charges: [],
			refunds: [],
			transfers: [],
		};
		this.#add(stored);
		if (this.#orders.size > this.#capacity) this.#forgetOldest();
		return stored;
	}

	findOrder(sessionId: string): StoredOrder | undefined {
		return this.#orders.get(sessionId);
	}

	/** By session id or reference, whoever's it is; the newest when several answer to it. */
	searchOrder(name: string): StoredOrder | undefined {
		return this.#orders.get(name) ?? this.#byReference.get(name);
	}

	/** Newest first. */
	listSessions(apiKey: string): Session[] {
		return this.#newestFirst()
			.filter((stored) => stored.api_key === apiKey)
			.map(({ session }) => session);
	}

	recentOrders(limit: number): StoredOrder[] {
		return this.#newestFirst().slice(0, limit);
	}

	/** Any object of the account, by its id. */
	findObject(apiKey: string, id: string): StripeObject | undefined {
		const found = this.#byObject.get(id);
		if (found !== undefined) return found.stored.api_key === apiKey ? found.object : undefined;
		const ledger = this.#ledger(apiKey);
		const payout = [...ledger.payouts.values()].find((candidate) => candidate.id === id);
		return payout ?? ledger.lines.find(({ line }) => line.id === id)?.line;
	}

	/** The order that an object of the account belongs to. */
	orderOf(apiKey: string, id: string): StoredOrder | undefined {
		const stored = this.#byObject.get(id)?.stored;
		return stored?.api_key === apiKey ? stored : undefined;
	}

	searchRefund(id: string): { stored: StoredOrder; charge: Charge; refund: Refund } | undefined {
		const stored = this.#byObject.get(id)?.stored;
		const refund = stored?.refunds.find((candidate) => candidate.id === id);
		const charge = stored?.charges.find((candidate) => candidate.id === refund?.charge);
		return stored && refund && charge ? { stored, charge, refund } : undefined;
	}

	/** A next try of the payer: the session's one intent, with the amount that is to be paid. */
	startIntent(stored: StoredOrder, amount?: number, currency?: string): PaymentIntent {
		const { session } = stored;
		if (amount !== undefined) session.amount_total = amount;
		if (currency !== undefined) session.currency = currency.toLowerCase();
		if (stored.intent === null) {
			const id = `pi_${randomAlphanumeric(24)}`;
			stored.intent = {
				id,
				object: "payment_intent",
				...stored.intent_data,
				amount: session.amount_total,
				amount_capturable: 0,
				amount_received: 0,
				canceled_at: null,
				cancellation_reason: null,
				client_secret: `${id}_secret_${randomAlphanumeric(25)}`,
				created: unixNow(),
				currency: session.currency,
				last_payment_error: null,
				latest_charge: null,
				livemode: false,
				payment_method_types: session.payment_method_types,
				status: "requires_payment_method",
			};
			session.payment_intent = id;
			this.#byObject.set(id, { stored, object: stored.intent });
		}
		stored.intent.amount = session.amount_total;
		stored.intent.currency = session.currency;
		return stored.intent;
	}

	decline(stored: StoredOrder, intent: PaymentIntent, reason = DEFAULT_DECLINE): void {
		const { code, message } = DECLINES[reason] ?? { ...DECLINES[DEFAULT_DECLINE]!, code: "card_declined" };
		const charge = this.#charge(stored, intent, {
			status: "failed",
			paid: false,
			failure_code: code,
			failure_message: message,
		});
		intent.status = "requires_payment_method";
		intent.last_payment_error = {
			charge: charge.id,
			code,
			...(code === "card_declined" && { decline_code: reason }),
			doc_url: `https://stripe.com/docs/error-codes/${code.replaceAll("_", "-")}`,
			message,
			type: "card_error",
		};
	}

	/** The bank holds the money for the merchant, who has not taken it. */
	hold(stored: StoredOrder, intent: PaymentIntent): void {
		this.#charge(stored, intent, { captured: false });
		intent.capture_method = "manual";
		intent.status = "requires_capture";
		intent.amount_capturable = intent.amount;
		intent.last_payment_error = null;
	}

	succeed(stored: StoredOrder, intent: PaymentIntent): Charge {
		const held = intent.status === "requires_capture" ? stored.charges.at(-1) : undefined;
		const charge = held ?? this.#charge(stored, intent);
		Object.assign(charge, { captured: true, amount_captured: charge.amount });
		charge.balance_transaction = this.#book(stored.api_key, "charge", charge, charge.amount, {
			fees: feeDetails(charge.amount, charge.currency),
		}).id;
		Object.assign(intent, {
			status: "succeeded",
			amount_received: charge.amount,
			amount_capturable: 0,
			last_payment_error: null,
		});
		if (intent.transfer_data !== null) {
			const { destination, amount } = intent.transfer_data;
			this.transfer(stored, charge, { destination, amount, metadata: {} });
		}
		return charge;
	}

	refund(
		stored: StoredOrder,
		charge: Charge,
		input: { amount: number | undefined; reason: string | null; metadata: Metadata },
	): Refund {
		const left = charge.amount_captured - charge.amount_refunded;
		if (left === 0) {
			throw refused(`Charge ${charge.id} has already been refunded.`, { code: "charge_already_refunded" });
		}
		const amount = input.amount ?? left;
		if (amount > left) {
			const [asked, rest] = [amount, left].map((paise) => formatMoney(paise, charge.currency));
			const message = `Refund amount (${asked}) is greater than unrefunded amount on charge (${rest})`;
			throw refused(message, { param: "amount" });
		}
		charge.amount_refunded += amount;
		charge.refunded = charge.amount_refunded === charge.amount_captured;
		const { type } = charge.payment_method_details;
		const refund: Refund = {
			id: `re_${randomAlphanumeric(24)}`,
			object: "refund",
			amount,
			balance_transaction: null,
			charge: charge.id,
			created: unixNow(),
			currency: charge.currency,
			destination_details: {
				type,
				...(type === "card"
					? { card: { reference_status: "pending", reference_type: "acquirer_reference_number", type: "refund" } }
					: { [type]: {} }),
			},
			metadata: input.metadata,
			payment_intent: charge.payment_intent,
			reason: input.reason,
			receipt_number: null,
			status: "pending",
		};
		refund.balance_transaction = this.#book(stored.api_key, "refund", refund, -amount).id;
		stored.refunds.push(refund);
		this.#byObject.set(refund.id, { stored, object: refund });
		return refund;
	}

	processRefund(refund: Refund): void {
		refund.status = "succeeded";
		const { type } = refund.destination_details;
		refund.destination_details = {
			type,
			[type]: {
				reference: randomDigits(23),
				reference_status: "available",
				...(type === "card" && { reference_type: "acquirer_reference_number", type: "refund" }),
			},
		};
	}

	/** The bank has sent it back: the money is the merchant's again. */
	failRefund(stored: StoredOrder, charge: Charge, refund: Refund): void {
		refund.status = "failed";
		refund.failure_reason = "expired_or_canceled_card";
		charge.amount_refunded -= refund.amount;
		charge.refunded = false;
		this.#book(stored.api_key, "refund_failure", refund, refund.amount);
	}

	transfer(
		stored: StoredOrder,
		charge: Charge,
		input: { destination: string; amount: number; metadata: Metadata },
	): Transfer {
		const sent = stored.transfers.reduce((sum, { amount }) => sum + amount, 0);
		if (sent + input.amount > charge.amount_captured) {
			throw refused(
				`You have a transfer that exceeds the amount of its source transaction: ${formatMoney(charge.amount_captured - sent, charge.currency)} of it is left.`,
				{ code: "balance_insufficient", param: "amount" },
			);
		}
		charge.transfer_group ??= `group_${charge.payment_intent}`;
		stored.intent!.transfer_group = charge.transfer_group;
		const transfer: Transfer = {
			id: `tr_${randomAlphanumeric(24)}`,
			object: "transfer",
			amount_reversed: 0,
			balance_transaction: "",
			created: unixNow(),
			currency: charge.currency,
			livemode: false,
			reversed: false,
			source_transaction: charge.id,
			transfer_group: charge.transfer_group,
			...input,
		};
		transfer.balance_transaction = this.#book(stored.api_key, "transfer", transfer, -input.amount).id;
		stored.transfers.push(transfer);
		this.#byObject.set(transfer.id, { stored, object: transfer });
		return transfer;
	}

	/** Nobody can pay it any more; what the payer had begun ends with it. */
	expire({ session, intent }: StoredOrder): void {
		session.status = "expired";
		session.url = null;
		if (intent === null || intent.status === "succeeded") return;
		Object.assign(intent, { status: "canceled", canceled_at: unixNow(), cancellation_reason: "abandoned" });
	}

	/** Newest first. */
	payouts(apiKey: string): Payout[] {
		return [...this.#ledger(apiKey).payouts.values()].reverse();
	}

	/** Newest first. */
	balanceTransactions(apiKey: string, payoutId?: string): BalanceTransaction[] {
		return this.#ledger(apiKey)
			.lines.filter(({ payout }) => payoutId === undefined || payout.id === payoutId)
			.map(({ line }) => line)
			.reverse();
	}

	refunds(apiKey: string): Refund[] {
		return this.#newestFirst().flatMap((stored) => (stored.api_key === apiKey ? [...stored.refunds].reverse() : []));
	}

	transfers(apiKey: string): Transfer[] {
		return this.#newestFirst().flatMap((stored) => (stored.api_key === apiKey ? [...stored.transfers].reverse() : []));
	}

	keptAnswer(apiKey: string, key: string): KeptAnswer | undefined {
		const answer = this.#ledger(apiKey).answers.get(key);
		return answer !== undefined && answer.kept_at > unixNow() - KEY_LIFE_S ? answer : undefined;
	}

	keepAnswer(apiKey: string, key: string, answer: Omit<KeptAnswer, "kept_at">): void {
		const { answers } = this.#ledger(apiKey);
		answers.set(key, { ...answer, kept_at: unixNow() });
		if (answers.size > this.#capacity) answers.delete(answers.keys().next().value!);
	}

	/** The newest orders with all that belongs to them. V8's format keeps which entry refers to which object. */
	save(): Buffer {
		return serialize({
			orders: [...this.#orders.values()].slice(-MAX_SAVED),
			ledgers: this.#ledgers,
		} satisfies Saved);
	}

	restore(saved: Buffer): void {
		const { orders, ledgers } = deserialize(saved) as Saved;
		for (const stored of orders) this.#add(stored);
		for (const [apiKey, ledger] of ledgers) this.#ledgers.set(apiKey, ledger);
	}

	#add(stored: StoredOrder): void {
		const { session } = stored;
		this.#orders.set(session.id, stored);
		for (const object of objectsOf(stored)) this.#byObject.set(object.id, { stored, object });
		if (session.client_reference_id !== null) this.#byReference.set(session.client_reference_id, stored);
	}

	#charge(stored: StoredOrder, intent: PaymentIntent, fields: Partial<Charge> = {}): Charge {
		const { method } = stored;
		const charge: Charge = {
			id: `${method === "card" ? "ch" : "py"}_${randomAlphanumeric(24)}`,
			object: "charge",
			amount: intent.amount,
			amount_captured: 0,
			amount_refunded: 0,
			balance_transaction: null,
			billing_details: { email: stored.session.customer_email, name: "Asha Rao", phone: null, address: null },
			captured: false,
			created: unixNow(),
			currency: intent.currency,
			disputed: false,
			failure_code: null,
			failure_message: null,
			livemode: false,
			metadata: intent.metadata,
			outcome: { network_status: fields.paid === false ? "declined_by_network" : "approved_by_network" },
			paid: true,
			payment_intent: intent.id,
			payment_method_details: methodDetails(method),
			refunded: false,
			status: "succeeded",
			transfer_group: intent.transfer_group,
			...fields,
		};
		intent.latest_charge = charge.id;
		stored.charges.push(charge);
		this.#byObject.set(charge.id, { stored, object: charge });
		return charge;
	}

	/** Everything is paid out the moment it happens, in one payout an account, day and currency. */
	#book(
		apiKey: string,
		type: BalanceTransaction["type"],
		{ id: source, currency }: { id: string; currency: string },
		amount: number,
		{ fees = [] }: { fees?: BalanceTransaction["fee_details"] } = {},
	): BalanceTransaction {
		const ledger = this.#ledger(apiKey);
		const now = unixNow();
		const fee = fees.reduce((sum, detail) => sum + detail.amount, 0);
		const line: BalanceTransaction = {
			id: `txn_${randomAlphanumeric(24)}`,
			object: "balance_transaction",
			amount,
			available_on: now,
			created: now,
			currency,
			description: null,
			exchange_rate: null,
			fee,
			fee_details: fees,
			net: amount - fee,
			reporting_category: type,
			source,
			status: "available",
			type,
		};
		const payout = this.#payout(ledger, currency, now);
		payout.amount += line.net;
		const own = ledger.lines.find(({ line: each }) => each.id === payout.balance_transaction)!.line;
		own.amount = -payout.amount;
		own.net = -payout.amount;
		ledger.lines.push({ payout, line });
		if (ledger.lines.length > this.#capacity) ledger.lines.splice(1, 1);
		return line;
	}

	#payout(ledger: Ledger, currency: string, now: number): Payout {
		const arrival_date = arrivalDate(now);
		const key = `${arrival_date}:${currency}`;
		const known = ledger.payouts.get(key);
		if (known !== undefined) return known;
		const payout: Payout = {
			id: `po_${randomAlphanumeric(24)}`,
			object: "payout",
			amount: 0,
			arrival_date,
			automatic: true,
			balance_transaction: `txn_${randomAlphanumeric(24)}`,
			created: now,
			currency,
			description: "STRIPE PAYOUT",
			destination: `ba_${randomAlphanumeric(24)}`,
			livemode: false,
			metadata: {},
			method: "standard",
			reconciliation_status: "completed",
			status: "paid",
			trace_id: { status: "supported", value: `${now}${randomAlphanumeric(6).toLowerCase()}` },
			type: "bank_account",
		};
		ledger.payouts.set(key, payout);
		// The payout is a movement of the balance, too, and listed among its own.
		ledger.lines.push({
			payout,
			line: {
				id: payout.balance_transaction,
				object: "balance_transaction",
				amount: 0,
				available_on: now,
				created: now,
				currency,
				description: "STRIPE PAYOUT",
				exchange_rate: null,
				fee: 0,
				fee_details: [],
				net: 0,
				reporting_category: "payout",
				source: payout.id,
				status: "available",
				type: "payout",
			},
		});
		return payout;
	}

	#ledger(apiKey: string): Ledger {
		let ledger = this.#ledgers.get(apiKey);
		if (ledger === undefined) {
			ledger = { lines: [], payouts: new Map(), answers: new Map() };
			this.#ledgers.set(apiKey, ledger);
		}
		return ledger;
	}

	#newestFirst(): StoredOrder[] {
		return [...this.#orders.values()].reverse();
	}

	#forgetOldest(): void {
		const oldest = this.#orders.values().next().value!;
		this.#orders.delete(oldest.session.id);
		for (const object of objectsOf(oldest)) this.#byObject.delete(object.id);
		const reference = oldest.session.client_reference_id;
		if (reference !== null && this.#byReference.get(reference) === oldest) this.#byReference.delete(reference);
	}
}

function objectsOf({ session, intent, charges, refunds, transfers }: StoredOrder): StripeObject[] {
	return [session, ...(intent === null ? [] : [intent]), ...charges, ...refunds, ...transfers];
}

function formatMoney(amount: number, currency: string): string {
	return new Intl.NumberFormat("en", { style: "currency", currency }).format(amount / 100);
}

function methodDetails(method: Method): Charge["payment_method_details"] {
	switch (method) {
		case "card":
			return {
				type: method,
				card: {
					brand: "visa",
					country: "IN",
					exp_month: 12,
					exp_year: 2030,
					funding: "credit",
					last4: "4242",
					network: "visa",
					network_transaction_id: randomDigits(15),
				},
			};
		case "upi":
			return { type: method, upi: { vpa: "asha.rao@okbank" } };
		case "netbanking":
			return { type: method, netbanking: { bank: "hdfc" } };
	}
}
