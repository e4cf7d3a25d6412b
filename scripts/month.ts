/**
 * A month of three merchants, played through the same calls that checkout, jobs and the studio make, and moved into the past day by day:
 * payments and declines, refunds, disputes lost and won, collections that come through, fail and come back, a settlement and an
 * adjustment by hand, a connection that dies while it settles, the month's end, and settlement reports with differences planted in them.
 *
 * Everything is drawn from one seed, so that a month is the same each time.
 */
import { randomUUID } from "node:crypto";
import type pg from "pg";
import { type AttemptState, settleAttempt } from "../db/client/attempts.ts";
import { recordDispute } from "../db/client/disputes.ts";
import { closeBillingMonth } from "../db/client/invoices.ts";
import { initiatePayments } from "../db/client/payments.ts";
import { beginPayout, settlePayout } from "../db/client/payouts.ts";
import { createRefund, settleRefund } from "../db/client/refunds.ts";
import { type EncryptionKeys, encryptSecret } from "../db/client/secrets.ts";
import { type ReportedLine, reconcileGateways, recordSettlementReport } from "../db/client/settlements.ts";
import { moveToPast } from "./past.ts";

export interface MonthOptions {
	/** Superuser, for moving into the past and for making merchants. */
	admin: pg.Pool;
	checkout: pg.Pool;
	jobs: pg.Pool;
	studio: pg.Pool;
	keys: EncryptionKeys;
	/** Its first day; it must be over. */
	month: string;
	/** Of each merchant. */
	payments_a_day: number;
	report?: (line: string) => void;
}

export interface PlayedMonth {
	from: string;
	to: string;
	merchants: { id: string; name: string }[];
	/** What was planted into the settlement reports, by kind. */
	planted: Record<string, number>;
}

interface Merchant {
	id: string;
	name: string;
	client_key: string;
	gateway_id: string;
	provider: string;
	paid: Paid[];
}

interface Paid {
	transaction_id: string;
	attempt_id: string;
	psp_payment_id: string;
	amount: number;
	fee: number;
	day: string;
	refunded: number;
}

const MERCHANTS = [
	{ name: "Kaveri Books", provider: "razorpay", state_code: "29", gstin: "29AAPFU0939F1ZR", fee_percent: 3.5 },
	{ name: "Fifty Lamps", provider: "cashfree", state_code: "33", gstin: null, fee_percent: 2 },
	{ name: "Narmada Tours", provider: "razorpay", state_code: "27", gstin: null, fee_percent: 2.75 },
];

export async function playMonth(options: MonthOptions): Promise<PlayedMonth> {
	const report = options.report ?? (() => {});
	const days = daysOf(options.month);
	const random = randomFrom(26);
	const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!;
	await options.admin.query(
		`update public.company_profile set legal_name = 'LightSpeed Payments Private Limited', address = '12 Residency Road, Bengaluru 560025',
			gstin = '29AAGCB7383J1Z4', upi_vpa = 'lightspeed@sandboxbank'`,
	);
	const merchants: Merchant[] = [];
	for (const blueprint of MERCHANTS) merchants.push(await makeMerchant(options, blueprint));
	const [kaveri, lamps, narmada] = merchants as [Merchant, Merchant, Merchant];

	const play = new Play(options);
	let declines = 0;
	for (const [index, day] of days.entries()) {
		const date = index + 1;
		for (const merchant of merchants) {
			await play.at(merchant, `${day}T11:00:00+05:30`, async (touched) => {
				for (let n = 0; n < options.payments_a_day; n++) {
					const amount = 100 * (50 + Math.floor(random() * 9950)) + Math.floor(random() * 100);
					const isDeclined = random() < 0.125;
					const started = await play.start(merchant, amount);
					if (isDeclined) {
						declines += 1;
						touched.transactions.push(started.transaction_id);
						await settleAttempt(options.jobs, started.attempt_id, play.declined(amount));
					} else {
						if (date === 15 && n === 0) await play.dieWhileSettling(started.attempt_id, amount);
						merchant.paid.push(await play.pay(started, amount, day));
					}
				}
			});
		}
		if (date % 4 === 0) {
			for (const merchant of merchants) {
				const paid = pick(merchant.paid.filter((each) => each.refunded < each.amount));
				const left = paid.amount - paid.refunded;
				const amount = random() < 0.5 ? left : Math.max(1, Math.floor(left * random()));
				await play.at(merchant, `${day}T16:00:00+05:30`, () => play.refund(merchant, paid, amount));
			}
		}
		if (date === 9) await play.dispute(kaveri, kaveri.paid[1]!, "opened", day);
		if (date === 10) await play.dispute(narmada, narmada.paid[1]!, "opened", day);
		if (date === 19) await play.dispute(kaveri, kaveri.paid[1]!, "lost", day);
		if (date === 21) await play.dispute(narmada, narmada.paid[1]!, "won", day);
		if (date === 8 || date === 22) {
			const payouts = [await play.collect(kaveri, day, "processed"), await play.collect(narmada, day, "processed")];
			if (date === 22) await play.settlePayoutAt(kaveri, payouts[0]!, days[date]!, "reversed");
		}
		if (date === 16) await play.collect(narmada, day, "failed");
		if (date === 18) {
			await play.at(lamps, `${day}T12:00:00+05:30`, () =>
				options.studio.query(
					"select public.record_manual_settlement($1, 25000, 'UTR 412345678901', 'bank_transfer', (now() at time zone 'Asia/Kolkata')::date, null, 'finance')",
					[lamps.id],
				),
			);
			await play.at(kaveri, `${day}T12:00:00+05:30`, () =>
				options.studio.query(
					"select public.propose_adjustment($1, $2, -1500, 'Goodwill for a late payout', 'finance')",
					[randomUUID(), kaveri.id],
				),
			);
		}
	}
	const paid = merchants.flatMap((merchant) => merchant.paid).length;
	report(
		`${paid} payments and ${declines} declines, with refunds, disputes and collections; one connection died while it settled.`,
	);

	for (const { id } of merchants) while ((await closeBillingMonth(options.jobs, id)) !== null);
	report("The month is closed, its documents are numbered.");
	const planted = await settleAtProviders(options, merchants, days);
	report("The providers' settlement reports are compared.");
	return { from: days[0]!, to: days.at(-1)!, merchants: merchants.map(({ id, name }) => ({ id, name })), planted };
}

class Play {
	#options: MonthOptions;

	constructor(options: MonthOptions) {
		this.#options = options;
	}

	/** Lets what `work` books have happened at that moment. */
	async at<Result>(
		{ id }: Merchant,
		moment: string,
		work: (touched: { transactions: string[]; payouts: string[] }) => Promise<Result>,
	): Promise<Result> {
		const { admin } = this.#options;
		const touched = { transactions: [], payouts: [] };
		const { rows } = await admin.query<{ entries: string }>(
			"select entry_count::text as entries from public.wallets where client_id = $1",
			[id],
		);
		const result = await work(touched);
		const connection = await admin.connect();
		try {
			await moveToPast(connection, { client_id: id, from_entry: Number(rows[0]!.entries) + 1, at: moment, ...touched });
		} finally {
			connection.release();
		}
		return result;
	}

	async start(merchant: Merchant, amount: number) {
		const { checkout, admin } = this.#options;
		const { id: client_id, client_key } = merchant;
		const request = { client_id, client_key, order_id: randomUUID(), amount, currency: "INR" };
		const [result] = await initiatePayments(checkout, [request]);
		if (!result?.ok) throw result?.error ?? new Error("The payment was not answered.");
		const { rows } = await admin.query<{ id: string }>(
			"select id from public.payment_attempts where transaction_id = $1",
			[result.transaction_id],
		);
		return { transaction_id: result.transaction_id, attempt_id: rows[0]!.id };
	}

	#success(attempt_id: string, amount: number): AttemptState {
		return {
			outcome: "succeeded",
			psp_payment_id: `pay_${attempt_id}`,
			amount,
			currency: "INR",
			method: "upi",
			bank_reference: null,
			fee: feeOf(amount),
			error: null,
			raw: {},
		};
	}

	declined(amount: number): AttemptState {
		return {
			...this.#success("", amount),
			outcome: "failed",
			psp_payment_id: null,
			method: "card",
			fee: null,
			error: { code: "declined", message: "The bank declined." },
		};
	}

	async pay(started: { transaction_id: string; attempt_id: string }, amount: number, day: string): Promise<Paid> {
		await settleAttempt(this.#options.jobs, started.attempt_id, this.#success(started.attempt_id, amount));
		const psp_payment_id = `pay_${started.attempt_id}`;
		return { ...started, psp_payment_id, amount, fee: feeOf(amount), day, refunded: 0 };
	}

	/** The process settles, and dies before it commits: nothing of it may stay. */
	async dieWhileSettling(attempt_id: string, amount: number): Promise<void> {
		const { admin, jobs } = this.#options;
		const doomed = await jobs.connect();
		doomed.on("error", () => {});
		await doomed.query("begin");
		const { rows } = await doomed.query<{ pid: number }>("select pg_backend_pid() as pid");
		await settleAttempt(doomed, attempt_id, this.#success(attempt_id, amount));
		await admin.query("select pg_terminate_backend($1, 5000)", [rows[0]!.pid]);
		doomed.release(true);
	}

	async refund(merchant: Merchant, paid: Paid, amount: number): Promise<void> {
		const { checkout, jobs } = this.#options;
		const { refund } = await createRefund(checkout, {
			client_id: merchant.id,
			transaction_id: paid.transaction_id,
			amount,
			reason: null,
			idempotency_key: null,
		});
		await settleRefund(jobs, refund.refund_id, {
			outcome: "succeeded",
			psp_refund_id: `rfnd_${refund.refund_id}`,
			amount,
			bank_reference: null,
			error: null,
			raw: null,
		});
		paid.refunded += amount;
	}

	async dispute(merchant: Merchant, paid: Paid, status: "opened" | "lost" | "won", day: string): Promise<void> {
		const at = `${day}T14:00:00+05:30`;
		await this.at(merchant, at, () =>
			recordDispute(this.#options.jobs, paid.attempt_id, {
				status,
				psp_dispute_id: `disp_${paid.attempt_id}`,
				psp_payment_id: paid.psp_payment_id,
				amount: paid.amount,
				currency: "INR",
				phase: "chargeback",
				psp_status: status,
				reason_code: "goods_not_received",
				reason: "The payer says that nothing came.",
				respond_by: null,
				opened_at: at,
				occurred_at: at,
				amount_deducted: null,
				raw: null,
			}),
		);
	}

	async collect(merchant: Merchant, day: string, outcome: "processed" | "failed"): Promise<string> {
		const { studio, jobs } = this.#options;
		const { rows } = await studio.query<{ payout: { id: string } }>(
			"select public.request_payout($1, 'What is due by now', 'finance') as payout",
			[merchant.id],
		);
		const { id } = rows[0]!.payout;
		await beginPayout(jobs, id);
		await this.settlePayoutAt(merchant, id, day, outcome);
		return id;
	}

	settlePayoutAt(merchant: Merchant, payout_id: string, day: string, outcome: "processed" | "failed" | "reversed") {
		return this.at(merchant, `${day}T02:05:00+05:30`, (touched) => {
			if (outcome === "failed") touched.payouts.push(payout_id);
			return settlePayout(this.#options.jobs, payout_id, {
				outcome,
				psp_payout_id: `pout_${payout_id}`,
				psp_status: outcome,
				amount: null,
				bank_reference: null,
				error: outcome === "failed" ? { code: "insufficient_funds", message: "The account has too little." } : null,
			});
		});
	}
}

/** Two percent and GST on it, as the providers of this month state and keep. */
const feeOf = (amount: number): number => Math.round(amount * 0.0236);

/** A report a day and gateway with what was paid the day before; some of it is wrong on purpose. */
async function settleAtProviders({ admin, jobs }: MonthOptions, merchants: Merchant[], days: string[]) {
	for (const [index, merchant] of merchants.entries()) {
		const { rows: refunds } = await admin.query<{
			psp_refund_id: string;
			psp_payment_id: string;
			amount: number;
			day: string;
		}>(
			`select psp_refund_id, psp_payment_id, amount, (completed_at at time zone 'Asia/Kolkata')::date::text as day
				from public.refunds where client_id = $1 and status = 'succeeded'`,
			[merchant.id],
		);
		for (const [at, day] of days.entries()) {
			const lines = [
				...merchant.paid
					.filter((paid) => paid.day === day)
					.map((paid) => lineOf("payment", paid.psp_payment_id, paid.psp_payment_id, paid.amount, paid.fee, day)),
				...refunds
					.filter((refund) => refund.day === day)
					.map((refund) => lineOf("refund", refund.psp_refund_id, refund.psp_payment_id, refund.amount, 0, day)),
			];
			const first = lines.find(({ kind }) => kind === "payment");
			if (first !== undefined && index === 0) {
				if (at === 5) lines.splice(lines.indexOf(first), 1);
				if (at === 6) lines.push(lineOf("payment", "pay_of_nobody", "pay_of_nobody", 77_700, feeOf(77_700), day));
			}
			if (first !== undefined && index === 1 && at === 7)
				Object.assign(first, { amount: first.amount - 100, credit: first.credit - 100 });
			if (first !== undefined && index === 2 && at === 8)
				Object.assign(first, { fee: first.fee + 250, credit: first.credit - 250 });
			await recordSettlementReport(
				jobs,
				{ gateway_id: merchant.gateway_id, source: "pull", day, is_final: true },
				lines,
			);
		}
	}
	let after: string | null = null;
	do {
		const step = await reconcileGateways(jobs, after);
		after = step.next;
	} while (after !== null);
	return { missing_there: 1, missing_with_us: 1, amount: 1, fee: 1 };
}

function lineOf(
	kind: "payment" | "refund",
	psp_id: string,
	psp_payment_id: string,
	amount: number,
	fee: number,
	day: string,
): ReportedLine {
	const tax = Math.round((fee * 18) / 118);
	return {
		kind,
		psp_kind: kind,
		psp_id,
		psp_payment_id,
		psp_order_id: null,
		psp_settlement_id: `setl_${day}`,
		amount,
		credit: kind === "payment" ? amount - fee : 0,
		debit: kind === "refund" ? amount : 0,
		fee,
		tax,
		currency: "INR",
		utr: `UTR${day.replaceAll("-", "")}`,
		settled_at: new Date(`${day}T18:00:00+05:30`),
	};
}

async function makeMerchant(
	{ admin, studio, keys }: MonthOptions,
	blueprint: (typeof MERCHANTS)[number],
): Promise<Merchant> {
	const id = randomUUID();
	const gateway_id = randomUUID();
	const client_key = `lsp_${id.replaceAll("-", "")}`;
	const seal = (table: string, column: string, row: string) =>
		encryptSecret(keys, randomUUID(), { table, column, row });
	await admin.query(
		`insert into public.clients (id, client_key, client_salt, webhook_secret, company_name, legal_name, gstin, state_code, fee_percent,
				max_rpm_per_gateway, rate_limit_per_minute)
			values ($1, $2, $3, $4, $5, $5, $6, $7, $8, null, 100000)`,
		[
			id,
			client_key,
			seal("clients", "client_salt", id),
			seal("clients", "webhook_secret", id),
			blueprint.name,
			blueprint.gstin,
			blueprint.state_code,
			blueprint.fee_percent,
		],
	);
	await admin.query(
		`insert into public.payment_gateways (id, client_id, name, provider, api_key, api_secret) values ($1, $2, $3, $4, $5, $6)`,
		[
			gateway_id,
			id,
			"Main account",
			blueprint.provider,
			`key_${id}`,
			seal("payment_gateways", "api_secret", gateway_id),
		],
	);
	await studio.query("select public.save_collection_account($1, $2, $3, null, 'As agreed', 'finance')", [
		id,
		JSON.stringify({
			provider: "razorpay",
			api_key: `payout_${id}`,
			source_account: `2323${id.slice(0, 8)}`,
			destination: "fa_00000000000001",
			threshold: 10_000,
		}),
		seal("collection_accounts", "api_secret", id),
	]);
	return { id, name: blueprint.name, client_key, gateway_id, provider: blueprint.provider, paid: [] };
}

/** The days of a month whose first is given. */
function daysOf(first: string): string[] {
	const [year, month] = first.split("-").map(Number) as [number, number];
	const count = new Date(Date.UTC(year, month, 0)).getUTCDate();
	return Array.from({ length: count }, (_, index) => `${first.slice(0, 8)}${String(index + 1).padStart(2, "0")}`);
}

/** Numerical Recipes' linear congruential generator, from 0 to 1. */
function randomFrom(seed: number): () => number {
	let state = seed;
	return () => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		return state / 2 ** 32;
	};
}
