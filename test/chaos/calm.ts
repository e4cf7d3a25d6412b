/**
 * After a storm: the faults are gone, and what would take hours or days of waiting is brought forward, by setting the times
 * that the product waits for. What is done then is done by the product itself.
 */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { parseBankStatement } from "../../psp/upi/statement.ts";
import { orderIdOf } from "./payer.ts";
import { type PlanOptions, planPayment } from "./plan.ts";
import { cutOffRuns } from "./studio.ts";
import type { StormGateway, World } from "./world.ts";

/** The jobs that are left, other than those of a retry that is only waiting for its time. */
const JOBS = "select count(*)::int as count from graphile_worker._private_jobs";

export interface Calm {
	rounds: number;
	/** Refunds that the sandbox's banks refused in the end. */
	refused_refunds: Set<string>;
}

export async function calmDown(world: World, options: PlanOptions, calm: Calm, patience_ms: number): Promise<void> {
	const { admin } = world;
	await world.control("DELETE", "faults");
	const deadline = Date.now() + patience_ms;
	let before = "";
	// First what the rhythm of look-ups brings; the payments' time is over only then.
	for (let round = 1; ; round++) {
		calm.rounds += 1;
		if (round > 1) await endPayments(world);
		await decideRefunds(world, options, calm);
		await importStatements(world);
		await admin.query("update public.payment_attempts set next_lookup_at = now() where next_lookup_at > now()");
		await admin.query("update public.refunds set next_lookup_at = now() where next_lookup_at > now()");
		await admin.query("select public.enqueue_pending_lookups(100000)");
		const is_quiet = await untilQuiet(world, deadline);
		const now = await fingerprint(world);
		if (is_quiet && now === before && round >= 4) return;
		if (Date.now() > deadline) return;
		before = now;
	}
}

async function endPayments({ admin }: World): Promise<void> {
	await admin.query(
		"update public.transactions set expires_at = now() where status in ('created', 'pending', 'failed') and expires_at > now()",
	);
	for (;;) {
		const { rows } = await admin.query<{ count: number }>("select public.expire_transactions() as count");
		if (rows[0]!.count === 0) return;
	}
}

/** No job and no webhook under way. */
async function untilQuiet({ admin, control }: World, deadline: number): Promise<boolean> {
	for (let quiet = 0; Date.now() < deadline; await sleep(150)) {
		await cutOffRuns(admin);
		await admin.query(
			"update graphile_worker._private_jobs set run_at = now() where run_at > now() and locked_at is null and attempts < max_attempts",
		);
		const { rows } = await admin.query<{ count: number }>(
			`${JOBS} where attempts < max_attempts or locked_at is not null`,
		);
		const { body } = await control<{ status: string }[]>("GET", "webhooks");
		quiet = rows[0]!.count === 0 && body.every(({ status }) => status !== "waiting") ? quiet + 1 : 0;
		if (quiet === 2) return true;
	}
	return false;
}

async function fingerprint({ admin }: World): Promise<string> {
	const { rows } = await admin.query(
		`select (select string_agg(id || status || version, ',' order by id) from public.transactions) as payments,
			(select string_agg(id || status, ',' order by id) from public.payment_attempts) as attempts,
			(select string_agg(id || status, ',' order by id) from public.refunds) as refunds`,
	);
	return createHash("sha256").update(JSON.stringify(rows)).digest("hex");
}

/** What the banks say of refunds that they took their time for. */
async function decideRefunds(
	{ admin, control, gateways }: World,
	options: PlanOptions,
	{ refused_refunds }: Calm,
): Promise<void> {
	const { rows } = await admin.query<{
		id: string;
		gateway_id: string;
		provider: string;
		psp_refund_id: string;
		number: number;
	}>(
		`select r.id, g.id as gateway_id, g.provider, r.psp_refund_id, split_part(t.order_id, '-', 2)::int as number
			from public.refunds r join public.payment_gateways g on g.id = r.gateway_id join public.transactions t on t.id = r.transaction_id
			where r.status = 'pending' and r.psp_refund_id is not null and t.order_id like $1`,
		[orderIdOf(options.seed, 0).replace(/0$/, "%")],
	);
	for (const { id, gateway_id, provider, psp_refund_id, number } of rows) {
		if (!gateways.get(gateway_id)!.refunds_later) continue;
		const { refund_outcome: outcome, part } = planPayment(options, number);
		const webhook = part < 0.3 ? { skip: true } : {};
		const { status } = await control("POST", "refund", { provider, refund: psp_refund_id, outcome, webhook });
		if (status === 200 && outcome === "failure") refused_refunds.add(id);
	}
}

/** A day is minutes here, and so is the hour that a gateway is left alone after it has failed again and again. */
export async function shortenCoolDowns({ admin }: World): Promise<void> {
	await admin.query(
		"update public.gateway_states set cooldown_until = now() + interval '3 seconds' where cooldown_until > now() + interval '5 seconds'",
	);
}

/** As an operator uploads them each morning: the whole account, what was imported before included. */
export async function importStatements(world: World): Promise<void> {
	for (const gateway of world.gateways.values()) {
		if (gateway.provider === "upi") await importStatement(world, gateway);
	}
}

async function importStatement({ admin, sandbox_url }: World, { id, account, bank }: StormGateway): Promise<void> {
	const query = new URLSearchParams({ vpa: account.api_key, bank });
	const response = await fetch(`${sandbox_url}/upi/statement.csv?${query}`);
	const content = Buffer.from(await response.arrayBuffer());
	const statement = parseBankStatement(content);
	if (statement.outcome !== "read") throw new Error(`The statement of ${bank}: ${statement.message}`);
	if (statement.errors.length > 0) throw new Error(`A line of ${bank}: ${JSON.stringify(statement.errors[0])}`);
	if (statement.credits.length === 0) return;
	await admin.query("select public.import_bank_statement($1, $2, $3, $4, $5)", [
		id,
		"statement.csv",
		createHash("sha256").update(content).digest("hex"),
		JSON.stringify(statement.credits),
		"operator",
	]);
}
