/**
 * What LightSpeedPay asks of a payment service provider (PSP), and the few words its answers are reduced to.
 *
 * Terms
 *   account     one merchant's own account at a PSP: decrypted credentials plus non-secret settings
 *   reference   our own id for an attempt (its uuid); sent to the PSP in every call so that a lost reply can be looked up
 *   order       the PSP's object for "this much is to be paid"; a payer may try several times to pay one order
 *   payment     one try of a payer at the PSP that took, or may take, money
 *
 * Adapters are stateless, never touch the database, and never throw for something a PSP did: whatever comes
 * back from the wire is a result. "unknown" (time-out, lost reply, unreadable answer) is never turned into "failed".
 */

export interface PspAccount {
	/** The merchant's key id at the PSP; public to browsers at most PSPs. */
	api_key: string;
	/** Decrypted; must never be logged, stored or returned. */
	api_secret: string;
	/** Decrypted; null when the operator has not set one, in which case no webhook can be verified. */
	webhook_secret: string | null;
	/** Non-secret provider settings, e.g. a merchant id. */
	settings: Record<string, unknown>;
}

/** A provider-neutral reason. Each adapter maps the PSP's own codes to these in its error-map.ts (data, not code). */
export type PspErrorCode =
	| "declined"
	| "insufficient_funds"
	| "cancelled_by_payer"
	| "payer_timed_out"
	| "invalid_request"
	| "authentication_failed"
	| "rate_limited"
	| "psp_unavailable"
	/** The payer's bank or the rail had a technical fault; another try or another method may do. */
	| "bank_unavailable"
	| "timed_out"
	| "unreadable_answer"
	| "amount_mismatch"
	| "duplicate_request"
	| "refund_exceeds_amount"
	| "order_already_paid"
	| "not_found";

export interface PspError {
	code: PspErrorCode;
	/** The PSP's own code and words, for operators. Never secrets. */
	psp_code: string | null;
	message: string;
	http_status: number | null;
	/** Seconds the PSP asked us to wait, when it said so. */
	retry_after_seconds: number | null;
}

/** failed: the PSP certainly did not do it. unknown: it may have; look it up by reference before doing anything else. */
export type PspFailure =
	| { outcome: "failed"; error: PspError; raw: unknown }
	| { outcome: "unknown"; error: PspError; raw: unknown };

export interface CreateOrderInput {
	reference: string;
	/** Integer paise (smallest unit of `currency`). */
	amount: number;
	currency: string;
	/** The merchant's own order id. */
	order_id: string;
	merchant_name: string;
	description: string | null;
	customer: { id?: string; name?: string; email?: string; phone?: string };
	method: string | null;
	/** Absolute URL on our checkout where the PSP sends the payer's browser back. */
	return_url: string;
	/** Absolute URL for a payer who gives up on the PSP's page. */
	cancel_url: string;
	/** Absolute URL on our checkout for the PSP's webhooks about this order, for PSPs that take one per order. */
	webhook_url: string;
	expires_at: Date;
	/** Parts that the PSP is to settle to other accounts than the merchant's; refused as invalid_request where it offers no split. */
	splits: readonly SplitPart[];
}

/** Part of a payment for another account at the same PSP; `account` is the PSP's id of it. */
export interface SplitPart {
	account: string;
	/** Integer paise. */
	amount: number;
}

/** How the payer's browser gets to the PSP. Stored with the attempt, so it must hold nothing secret. */
export type Presentation =
	| { kind: "redirect"; url: string }
	| { kind: "form"; url: string; fields: Record<string, string> }
	/**
	 * The PSP's own browser script opens its page with a session. checkout has a page and a piece of glue for each
	 * provider that does this; the script runs nowhere else.
	 */
	| { kind: "script"; script_url: string; session: Record<string, string> }
	/** Direct UPI: a link for UPI apps, to be shown as a QR code too. */
	| {
			kind: "upi";
			/** upi://pay?… ; spaces as %20. */
			uri: string;
			payee_vpa: string;
			payee_name: string;
			/** Integer paise, exactly what is to be paid. */
			amount: number;
			/** What the payer's statement and the merchant's will show. */
			reference: string;
			/** ISO time from which the code is no longer to be shown. */
			expires_at: string;
	  };

export type CreateOrderResult =
	| { outcome: "succeeded"; psp_order_id: string; presentation: Presentation; raw: unknown }
	| PspFailure;

/** The state of one payment of an order, as far as the PSP has said so in a way we can trust. */
export interface PaymentState {
	outcome: "succeeded" | "failed" | "pending" | "authorized" | "unknown";
	psp_order_id: string | null;
	/** Our reference where the PSP's message carried it in a place that the payer's browser could not write to. */
	reference: string | null;
	psp_payment_id: string | null;
	/** Integer paise as the PSP states them; null when it did not say. Compared with ours before anything is marked paid. */
	amount: number | null;
	currency: string | null;
	/** upi, card, netbanking, wallet, emi … or null. */
	method: string | null;
	/** The bank's reference (UTR / RRN) when known. */
	bank_reference: string | null;
	/** What the PSP keeps, in paise, GST included; null when not stated. */
	fee: number | null;
	error: PspError | null;
	/** The PSP's answer with secrets and payer's account details removed. */
	raw: unknown;
	/** Where a PSP lists an order's payments: the others that took money and still have it. */
	further?: readonly PaymentState[];
}

export interface BrowserReturn {
	query: Record<string, string>;
	/** Parsed form fields of a POST return, else {}. */
	form: Record<string, string>;
	/** The order id that we stored; never trust the posted one. */
	psp_order_id: string;
}

export type ReturnResult =
	/** The signature proves that the PSP says so. It is still confirmed by a status call before anything is paid. */
	| { verified: true; psp_payment_id: string | null; claims: "succeeded" | "failed" }
	/** Unsigned or badly signed: says nothing; show the payer a neutral page and look the order up. */
	| { verified: false; claims: "succeeded" | "failed" | "cancelled" | "unknown" };

export interface WebhookRequest {
	/** The exact bytes received. */
	raw_body: Buffer;
	/** Lower-cased header names. */
	headers: Record<string, string>;
}

export type WebhookVerification =
	| {
			valid: true;
			/** The same on every retry of one event; unique per gateway. */
			dedupe_key: string;
			/** The PSP's event name, for operators. */
			event_type: string;
			/** False where the proof covers the sender but not the body: then the content must be confirmed by fetchStatus. */
			body_proven: boolean;
	  }
	| { valid: false; reason: string };

export type WebhookEvent =
	| { kind: "payment"; event_type: string; payment: PaymentState }
	| { kind: "refund"; event_type: string; refund: RefundState }
	| { kind: "dispute"; event_type: string; dispute: DisputeState }
	| { kind: "transfer"; event_type: string; transfer: TransferReport }
	/** Understood to be of no consequence to us (kept, marked processed). */
	| { kind: "ignored"; event_type: string };

/** The payment that is refunded, by every name it has: PSPs differ in which they want. */
export interface RefundedPayment {
	psp_payment_id: string;
	psp_order_id: string;
	/** Our reference of the attempt, as in CreateOrderInput. */
	order_reference: string;
}

export interface RefundInput extends RefundedPayment {
	/** Our refund id (a uuid); also the idempotency key at the PSP. */
	reference: string;
	/** Integer paise. */
	amount: number;
	currency: string;
	reason: string | null;
	/** What was paid is one success too many for us. A PSP that gives those of one order back by itself is only asked. */
	is_further_payment?: boolean;
}

export interface RefundState {
	outcome: "succeeded" | "failed" | "pending" | "unknown";
	reference: string | null;
	psp_refund_id: string | null;
	psp_payment_id: string | null;
	amount: number | null;
	bank_reference: string | null;
	error: PspError | null;
	raw: unknown;
}

export type DisputePhase = "fraud" | "inquiry" | "retrieval" | "chargeback" | "pre_arbitration" | "arbitration";

/** What a PSP says of a payer who wants a payment back through the bank. Times are ISO 8601. */
export interface DisputeState {
	/** closed: ended without a decision about money. */
	status: "opened" | "won" | "lost" | "closed";
	psp_dispute_id: string;
	/** The payment by the names that the PSP gave; at least one of the three. */
	psp_payment_id: string | null;
	psp_order_id: string | null;
	reference: string | null;
	/** Integer paise as the PSP states them. Compared with ours before anything is booked. */
	amount: number | null;
	currency: string | null;
	phase: DisputePhase | null;
	/** The PSP's own word for where it stands. */
	psp_status: string | null;
	reason_code: string | null;
	reason: string | null;
	/** Evidence must be with the PSP by then. */
	respond_by: string | null;
	opened_at: string | null;
	/** When the PSP came to say this, so that what comes late is known to be older. */
	occurred_at: string | null;
	/** Integer paise that the PSP has taken from the merchant for it. */
	amount_deducted: number | null;
	raw: unknown;
}

export interface TransferInput extends RefundedPayment {
	/** Our id of the transfer (a uuid); also the idempotency key at the PSP where it takes one. */
	reference: string;
	account: string;
	/** Integer paise. */
	amount: number;
	currency: string;
}

export interface TransferState {
	outcome: "succeeded" | "failed" | "pending" | "unknown";
	psp_transfer_id: string | null;
	amount: number | null;
	error: PspError | null;
	raw: unknown;
}

/** What a PSP comes to say became of a part that was to go to another account. */
export interface TransferReport {
	/** failed: nothing of it is there. Not the last word: a PSP may try it again, and then says so. */
	outcome: "succeeded" | "failed";
	psp_transfer_id: string;
	/** Null where the PSP names the payment in place of its order. */
	psp_order_id: string | null;
	reference: string | null;
	account: string;
	/** Integer paise as the PSP states them, and what of it was taken back again. Compared with ours before anything is booked. */
	amount: number;
	amount_reversed: number;
	currency: string;
	/** When the PSP came to say this, ISO 8601, so that what comes late is known to be older. */
	occurred_at: string | null;
	error: PspError | null;
	raw: unknown;
}

export interface SettlementLine {
	/** adjustment: all that is none of the others, chargebacks and what we do not know included. */
	kind: "payment" | "refund" | "transfer" | "adjustment";
	/** The PSP's own word for it. */
	psp_kind: string | null;
	psp_id: string;
	psp_payment_id: string | null;
	psp_order_id: string | null;
	psp_settlement_id: string | null;
	/** Paise; credit is towards the merchant. */
	amount: number;
	credit: number;
	debit: number;
	fee: number;
	tax: number;
	currency: string;
	utr: string | null;
	settled_at: Date | null;
}

export interface PspAdapter {
	readonly provider: string;
	/** Methods this PSP can offer; routing's `methods` of a gateway is a subset. */
	readonly methods: readonly string[];
	/** CSP sources that our page must allow as form-action / navigation target. */
	readonly browser_origins: readonly string[];
	/** CIDR ranges the PSP publishes for its webhooks; empty when it publishes none, or when a sandbox stands in for it. */
	readonly webhook_networks: readonly string[];

	createOrder(account: PspAccount, input: CreateOrderInput): Promise<CreateOrderResult>;
	/**
	 * Finds an order made by an earlier createOrder whose reply was lost. "failed" says only: certainly no order exists
	 * that a payer could pay (not_found, or amount_mismatch). A lookup that itself went wrong is "unknown".
	 */
	findOrder(account: PspAccount, input: CreateOrderInput): Promise<CreateOrderResult>;
	/**
	 * The best payment of the order: a success if there is one, else money held (authorized), else the latest.
	 * "pending" with psp_payment_id null when nobody has tried yet. A lookup that went wrong is "unknown", never "failed".
	 */
	fetchStatus(account: PspAccount, order: { psp_order_id: string; reference: string }): Promise<PaymentState>;
	verifyReturn(account: PspAccount, browser_return: BrowserReturn): ReturnResult;
	/** Pure, constant-time on the signature, on the raw bytes. */
	verifyWebhook(account: PspAccount, request: WebhookRequest): WebhookVerification;
	/** Parses a body that verifyWebhook accepted. Throws nothing: what it cannot read is "ignored". */
	parseWebhook(request: WebhookRequest): WebhookEvent;
	/**
	 * Makes an order that nobody has paid unpayable: the payer moves to another gateway, or its time is over. "failed" with
	 * order_already_paid when it was paid; "unknown" while a payment of it is under way. Safe to repeat. Absent where the PSP's orders cannot be closed.
	 */
	closeOrder?(
		account: PspAccount,
		order: { psp_order_id: string; reference: string },
	): Promise<{ outcome: "succeeded"; raw: unknown } | PspFailure>;
	/** Safe to repeat with the same reference: answers with the one refund. */
	refund(account: PspAccount, input: RefundInput): Promise<RefundState>;
	fetchRefund(
		account: PspAccount,
		refund: RefundedPayment & { reference: string; psp_refund_id: string },
	): Promise<RefundState>;
	/** Moves part of a payment that was taken to another account at the PSP. Absent where it offers none. */
	transfer?(account: PspAccount, input: TransferInput): Promise<TransferState>;
	/** Lines settled on that day (Asia/Kolkata), following the PSP's pages to the end. */
	fetchSettlement(
		account: PspAccount,
		day: string,
	): Promise<{ outcome: "succeeded"; lines: SettlementLine[] } | PspFailure>;
}

export interface PspEndpoint {
	/** Where the PSP's API is, without a trailing slash; the provider's real host unless a sandbox is configured. */
	api_url?: string;
	/** For every call, in milliseconds. */
	timeout_ms?: number;
	/** Lines asked for at a time in reports; the PSP's maximum unless given. */
	page_size?: number;
}

/** Every provider folder exports one of these; the list of them is psp/providers.ts. */
export type PspAdapterFactory = (endpoint?: PspEndpoint) => PspAdapter;
