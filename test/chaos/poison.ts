/** What nobody should ever send: jobs, webhooks and orders that break whoever reads them carelessly. None may hold up others. */
import type { Disaster } from "./disasters.ts";
import { postRazorpayWebhook, sendOrder } from "./floods.ts";
import { merchantCall } from "./payer.ts";
import { persistently } from "./persistence.ts";
import { MERCHANT_COUNT, type World } from "./world.ts";

const MARK = "poison";
const NOBODYS_ORDER = "order_nobodys";
const NOBODY = "00000000-0000-4000-8000-000000000bad";
/** As many as a PSP's webhook has. */
const TRIES = 5;

const PAYLOADS: readonly unknown[] = [
	{},
	[],
	MARK,
	{ event_id: MARK },
	{ event_id: NOBODY },
	{ attempt_id: NOBODY },
	{ [MARK]: "'; drop table public.transactions; --" },
	{ [MARK]: "\u202e\u0001\ud83d\ude08".repeat(10_000) },
];

/** Of every kind of job. Found again by their ids. */
export const poisonedJobs = (at: number): Disaster => ({
	name: "poisoned jobs of every queue",
	at,
	async strike({ world }) {
		const { rows } = await world.admin.query<{ id: string }>(
			`select j.id::text from graphile_worker.add_jobs((
				select array_agg((q.queue, p.payload, null, null, $2::int, null, null, null)::graphile_worker.job_spec)
					from public.queues q cross join json_array_elements($1::json) p (payload) where q.kind = 'task')) j`,
			[JSON.stringify(PAYLOADS), TRIES],
		);
		for (const { id } of rows) world.poisoned.add(id);
		return { injected: rows.length, survived: rows.length, faults: [] };
	},
	// Each has been tried: none keeps a worker busy, and what came after them does not wait behind them.
	async isOver({ admin, poisoned }) {
		const { rowCount } = await admin.query(
			"select from graphile_worker._private_jobs where id = any ($1::bigint[]) and (attempts = 0 or locked_at is not null)",
			[[...poisoned]],
		);
		return rowCount === 0;
	},
});

/** What is left of them is dead and an operator was told of it, who throws them away. Answers what is otherwise. */
export async function buryPoison({ admin, poisoned }: World): Promise<string[]> {
	const { rows } = await admin.query<{ detail: string }>(
		`select format('poisoned job %s of %s: %s of %s tries, %s', j.id, k.identifier, j.attempts, j.max_attempts, j.last_error) as detail
			from graphile_worker._private_jobs j join graphile_worker._private_tasks k on k.id = j.task_id
			where j.id = any ($1::bigint[]) and (j.attempts < j.max_attempts or j.locked_at is not null
				or not exists (select from public.alerts x where x.dedupe_key = 'job_failed:' || k.identifier))`,
		[[...poisoned]],
	);
	await admin.query("select graphile_worker.complete_jobs($1::bigint[])", [[...poisoned]]);
	return rows.map(({ detail }) => detail);
}

const event = (entity: object, name = "payment.captured") =>
	JSON.stringify({ event: name, payload: { payment: { entity } } });

/** Rightly signed all of them: whoever has the secret may be broken too. */
const BODIES: readonly string[] = [
	"",
	"not json",
	"null",
	"[]",
	"17",
	'"text"',
	"{}",
	"[".repeat(200_000),
	`${'{"payload":'.repeat(50_000)}1${"}".repeat(50_000)}`,
	'{"event":"payment.captured"}',
	'{"event":"payment.captured","payload":null}',
	'{"event":"payment.captured","payload":{"payment":{"entity":17}}}',
	'{"__proto__":{"event":"payment.captured"},"constructor":{"prototype":{}}}',
	event({ id: "pay_poison\u0000", order_id: "order_poison\u0000", amount: 100, currency: "INR", status: "captured" }),
	event({ id: "\ud800", order_id: "\udfff", amount: 100, currency: "INR", status: "captured" }),
	event({ id: "pay_p", order_id: NOBODYS_ORDER, amount: 1e300, currency: "INR", status: "captured" }),
	event({ id: "pay_p", order_id: NOBODYS_ORDER, amount: -1, currency: "\u202eRNI", status: "captured" }),
	event({ id: "pay_p", order_id: NOBODYS_ORDER, amount: "1'; --", currency: "INR", status: "captured" }),
	event({ id: "x".repeat(500_000), order_id: NOBODYS_ORDER, amount: 100, currency: "INR", status: "captured" }),
	event({ id: "pay_p", order_id: NOBODYS_ORDER, amount: 100, currency: "INR", status: "captured", captured: true }),
	event({ id: "pay_p" }, "\u0000".repeat(50)),
	event({ id: "pay_p" }, "e".repeat(900_000)),
	`{"event":"${"\\ud83d".repeat(20)}"}`,
	`{"event":"payment.captured","created_at":1e400}`,
	"x".repeat(2 ** 20 + 1),
];

/** Accepted or refused, but answered; what was accepted is worked off like others. */
export const absurdWebhooks = (at: number): Disaster => ({
	name: "absurd bodies of webhooks, rightly signed",
	at,
	async strike({ world }) {
		const faults: string[] = [];
		let survived = 0;
		const merchant = world.merchants.find(({ name }) => name === "single")!;
		const [gateway] = merchant.storm_gateways;
		for (const [index, body] of BODIES.entries()) {
			const url = `${world.checkout_url}/webhook/${merchant.client_key}/${gateway!.id}`;
			const { status } = await persistently(() =>
				postRazorpayWebhook(url, { body, secret: gateway!.account.webhook_secret!, event_id: `evt_${MARK}_${index}` }),
			);
			if (status === 200 || (status >= 400 && status < 500)) survived += 1;
			else faults.push(`an absurd webhook (${index}: ${body.slice(0, 60)}) was answered ${status}`);
		}
		return { injected: BODIES.length, survived, faults };
	},
	async isOver({ admin }) {
		const { rowCount } = await admin.query(
			`select from public.gateway_events e join graphile_worker._private_jobs j on j.payload ->> 'event_id' = e.id::text
				where e.dedupe_key like 'evt_${MARK}_%' and (j.attempts = 0 or j.locked_at is not null)`,
		);
		return rowCount === 0;
	},
});

const HOSTILE: readonly string[] = [
	"\u202eoaR ahsA\u202c",
	"Asha\u200b\u200d\ufeffRao",
	"आशा राव ನಮಸ್ಕಾರ 👩🏽‍🚀👨‍👩‍👧‍👦",
	"Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞",
	"'; drop table public.transactions; --",
	'</script><script>alert("x")</script>',
	"{{7*7}} $(id) %s %n %00",
	"=cmd|' /C calc'!A0",
	"\uffff\ufffe\u{10ffff}",
	"\ufdfa".repeat(60),
	"Asha\u0000Rao",
	"Asha\ud800Rao",
	"Asha\r\nX-Injected: 1",
	"a".repeat(201),
];

/** Taken as it is or refused for what it is, and never a fault of ours; what was taken comes back to the letter. */
export const hostileOrders = (at: number): Disaster => ({
	name: "orders of hostile unicode",
	at,
	async strike(stage) {
		const { world, seed } = stage;
		const faults: string[] = [];
		let survived = 0;
		for (const [index, text] of HOSTILE.entries()) {
			const merchant = world.merchants[index % MERCHANT_COUNT]!;
			const order = {
				order_id: `F${seed}-hostile-${index}`,
				amount: 10_000 + index,
				customer: { name: text },
				description: text,
				metadata: { text },
			};
			const { status, body } = await sendOrder(stage, merchant, order);
			if (status === 400) {
				survived += 1;
				continue;
			}
			const read = await merchantCall(world, merchant, "GET", `/transaction/${body.transaction_id}`);
			const { rows } = await world.admin.query<{ is_same: boolean }>(
				`select metadata ->> 'text' = $2 and customer ->> 'name' = $2 and description = $2 as is_same
					from public.transactions where id = $1`,
				[body.transaction_id, text],
			);
			if (status === 200 && read.status === 200 && rows[0]?.is_same === true) survived += 1;
			else
				faults.push(
					`an order of ${JSON.stringify(text)} was answered ${status}, then ${read.status}: ${rows[0]?.is_same}`,
				);
		}
		return { injected: HOSTILE.length, survived, faults };
	},
	isOver: async () => true,
});
