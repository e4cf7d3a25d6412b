/**
 * Every Graphile Worker task, named one by one: a task folder would make a task of every plainly named file in it.
 *
 * Tasks are worked off in lanes, each a pool of its own, so that nothing waits behind work that waits for somebody else: a
 * merchant's endpoint may take 15 s to answer, and a PSP that hangs as long for each of a thousand look-ups must not keep
 * new orders and its own webhooks from being worked off. Look-ups get the narrowest lane: they are many at once only when a
 * PSP is unwell, and then slowly is how it wants to be asked.
 *
 * A gateway may name an egress group: its PSP account is called only by workers of that group (from an address the PSP has
 * allowed, or apart from everybody else's). SQL gives its jobs the name `<task>:<group>`, which no other worker registers.
 */
import type { Task, TaskList } from "graphile-worker";
import { type AlertInput, raiseAlert, returnJob } from "../db/client/operations.ts";
import { DELIVERIES_AT_ONCE } from "./delivery-gate.ts";
import { diskFullAlert, failedJobAlert } from "./failure-alerts.ts";
import { type JobScope, runInScope } from "./job-scope.ts";
import { NamedLog } from "./log.ts";
import type { QueueDesk } from "./queue-desk.ts";
import { type Services, type TaskContext, type TaskModule, TryAgain } from "./task.ts";
import * as collectPayout from "./tasks/collect_payout.ts";
import * as confirmAttempt from "./tasks/confirm_attempt.ts";
import * as createPspOrder from "./tasks/create_psp_order.ts";
import * as deliverWebhook from "./tasks/deliver_webhook.ts";
import * as drawInvoice from "./tasks/draw_invoice.ts";
import * as emitStudioEvent from "./tasks/emit_studio_event.ts";
import * as movePayment from "./tasks/move_payment.ts";
import * as processGatewayEvent from "./tasks/process_gateway_event.ts";
import * as processWhatsappEvent from "./tasks/process_whatsapp_event.ts";
import * as pullSettlement from "./tasks/pull_settlement.ts";
import * as refundPayment from "./tasks/refund_payment.ts";
import * as replayWebhooks from "./tasks/replay_webhooks.ts";
import * as runSchedule from "./tasks/run_schedule.ts";
import * as sendAlert from "./tasks/send_alert.ts";
import * as sendAlertMessage from "./tasks/send_alert_message.ts";
import * as sendAlertSummary from "./tasks/send_alert_summary.ts";
import * as sendWhatsapp from "./tasks/send_whatsapp.ts";
import type { LaneHearing } from "./wake-up-call.ts";

export interface Lane extends LaneHearing {
	/** Jobs at a time in one process. */
	concurrency: number;
	tasks: Record<string, RunTask>;
	/** Its jobs are a gateway's, and belong to the gateway's egress group. */
	is_grouped: boolean;
}

type RunTask = (raw_payload: unknown, context: TaskContext) => Promise<void>;

/** The payload is parsed once, here; it comes from our own SQL, so one that does not fit is a fault. */
function task<Payload>(module: TaskModule<Payload>): RunTask {
	return (raw_payload, context) => module.default(module.payload.parse(raw_payload), context);
}

/** What an endpoint gets of it says jobs/delivery-gate.ts. */
export const DELIVERIES = "deliveries";

/**
 * So much later, several of a lane's jobs are found by one look, and go their way together: each call that they share costs a
 * round trip, a commit and most of what it would cost for many more. To a payer whose payment is one of many it is a blink;
 * a lone one is looked for at once.
 */
const SOON_MS = 100;
/**
 * Merchants' events are added together, by payments that were settled together. But of those that wait for one endpoint few are
 * sent at a time, and the next are added when these are done.
 */
const NEXT_DELIVERIES_MS = 10;
const LANES: readonly Lane[] = [
	// Under full load all are taken, and the wider the lane is the more orders a call begins and records: with half of this, payments cost a
	// fifth more. Twice as wide gains nothing more, and leaves checkout fewer turns.
	{
		name: "orders",
		concurrency: 50,
		quiet_ms: 0,
		is_grouped: true,
		tasks: { create_psp_order: task(createPspOrder) },
	},
	// A payer waits for each; most while a PSP is unwell, which must not hold up orders at the others.
	{ name: "moves", concurrency: 10, quiet_ms: 0, is_grouped: true, tasks: { move_payment: task(movePayment) } },
	{
		name: "events",
		concurrency: 50,
		quiet_ms: SOON_MS,
		is_grouped: true,
		tasks: { process_gateway_event: task(processGatewayEvent) },
	},
	{
		name: "lookups",
		concurrency: 10,
		quiet_ms: SOON_MS,
		is_grouped: true,
		tasks: { confirm_attempt: task(confirmAttempt) },
	},
	{
		name: "refunds",
		concurrency: 10,
		is_grouped: true,
		tasks: { refund_payment: task(refundPayment) },
	},
	// A night's are many at once, and nobody waits for them.
	{
		name: "payouts",
		concurrency: 5,
		is_grouped: true,
		tasks: { collect_payout: task(collectPayout) },
	},
	// A day's report is many pages and lines; nobody waits for it.
	{
		name: "settlements",
		concurrency: 3,
		is_grouped: true,
		tasks: { pull_settlement: task(pullSettlement) },
	},
	{
		name: DELIVERIES,
		concurrency: DELIVERIES_AT_ONCE,
		quiet_ms: NEXT_DELIVERIES_MS,
		is_grouped: false,
		tasks: {
			deliver_webhook: task(deliverWebhook),
			replay_webhooks: task(replayWebhooks),
			send_alert: task(sendAlert),
			run_schedule: task(runSchedule),
		},
	},
	// Drawing keeps the process busy for a moment: one at a time, so that payments get their turn between two of ten thousand.
	{
		name: "documents",
		concurrency: 1,
		is_grouped: false,
		tasks: { draw_invoice: task(drawInvoice) },
	},
	{
		name: "notices",
		concurrency: 30,
		is_grouped: false,
		tasks: { send_whatsapp: task(sendWhatsapp), process_whatsapp_event: task(processWhatsappEvent) },
	},
	// A mail server that hangs holds up nobody but mail.
	{
		name: "alerts",
		concurrency: 4,
		is_grouped: false,
		tasks: { send_alert_message: task(sendAlertMessage), send_alert_summary: task(sendAlertSummary) },
	},
	// An operator's flows: slow ones hold up nothing but others of their kind.
	{
		name: "flows",
		concurrency: 5,
		is_grouped: false,
		tasks: { emit_studio_event: task(emitStudioEvent) },
	},
];

const NO_GROUP = "default";

/** The lanes of a worker that calls the PSPs of these groups. What is no gateway's goes with the gateways of no group. */
export function lanesFor(groups: ReadonlySet<string>, deliveries_at_once: number = DELIVERIES_AT_ONCE): Lane[] {
	return LANES.map((lane) => {
		const concurrency = lane.name === DELIVERIES ? deliveries_at_once : lane.concurrency;
		const own = [...groups].filter((group) => lane.is_grouped || group === NO_GROUP);
		const tasks = own.flatMap((group) =>
			Object.entries(lane.tasks).map(([name, run]) => [group === NO_GROUP ? name : `${name}:${group}`, run] as const),
		);
		return { ...lane, concurrency, tasks: Object.fromEntries(tasks) };
	}).filter(({ tasks }) => Object.keys(tasks).length > 0);
}

/**
 * Tasks whose jobs an operator may throw away: what they would have said can be read in the studio. Never one that moves
 * money, asks a PSP about it, or tells a merchant.
 */
const DISCARDABLE: ReadonlySet<string> = new Set(["send_alert"]);

export function isDiscardable(queue: string): boolean {
	return DISCARDABLE.has(queue.split(":")[0]!);
}

/** No job has it: a runner must have a task, also when all of its own are paused. */
const PLACEHOLDER = "paused";
/** No job has it either. */
const OTHER_NAME = "looked up again";

export interface LaneTasks {
	list: TaskList;
	/** Has Graphile Worker look its tasks up in the database once more. */
	lookUpAgain(): void;
}

/**
 * The lane's tasks, of which Graphile Worker takes jobs. It reads their names before each fetch: a paused task's name is
 * hidden from it, while the task itself stays for jobs that were fetched before.
 *
 * Where the names are others than at the last fetch it asks the database for their ids, and keeps the answer until they change again,
 * also where it is an error: the lane would never fetch a job again and yet go on beating. So one more name comes or goes then.
 */
export function toTaskList(lane: Lane, services: Services, desk: QueueDesk): LaneTasks {
	const names = Object.keys(lane.tasks);
	const tasks: TaskList = Object.fromEntries(
		Object.entries(lane.tasks).map(([name, run]) => [name, toGraphileTask(name, run, services, desk)]),
	);
	tasks[PLACEHOLDER] = () => {};
	tasks[OTHER_NAME] = () => {};
	let has_other_name = false;
	const showOpen = () => {
		for (const name of names) Object.defineProperty(tasks, name, { enumerable: !desk.isPaused(name) });
		Object.defineProperty(tasks, PLACEHOLDER, { enumerable: names.every(desk.isPaused) });
		Object.defineProperty(tasks, OTHER_NAME, { enumerable: has_other_name });
	};
	showOpen();
	desk.onChange(showOpen);
	return {
		list: tasks,
		lookUpAgain() {
			has_other_name = !has_other_name;
			showOpen();
		},
	};
}

/** The job is back in the queue; Graphile Worker writes down a failure only of a job that the worker still has. */
class NotBegun extends Error {
	override readonly name = "NotBegun";
}

/** A task with many tries goes on for days; by this one somebody should know. */
const TRIES_BEFORE_ALERT = 5;

/** Gives the run its log, and tells operators of a job that does not come through. */
function toGraphileTask(name: string, run: RunTask, services: Services, desk: QueueDesk): Task {
	return async (raw_payload, { job }) => {
		if (desk.isPaused(name) && job.locked_by !== null) {
			await returnJob(services.database, String(job.id), job.locked_by);
			throw new NotBegun(`The queue ${name} is paused.`);
		}
		const is_last_attempt = job.attempts >= job.max_attempts;
		const log = new NamedLog(services.log, { task: name, job_id: job.id, attempt: job.attempts });
		const scope: JobScope = { log, transaction_id: null, calls: [] };
		const started_at = performance.timeOrigin + performance.now();
		let failure: unknown;
		try {
			await runInScope(scope, () =>
				run(raw_payload, {
					...services,
					log,
					job: { id: String(job.id), attempt: job.attempts, is_last_attempt, is_urgent: job.priority < 0 },
				}),
			);
			desk.count(name, "completed");
		} catch (error) {
			failure = error;
			desk.count(name, "failed");
			if (error instanceof TryAgain) {
				scope.log.info({ reason: error.message }, "job waits for another try");
			} else {
				scope.log.error({ err: error, payload: raw_payload }, is_last_attempt ? "job failed for good" : "job failed");
				if (is_last_attempt || job.attempts === TRIES_BEFORE_ALERT) {
					await report(
						failedJobAlert(name, String(job.id), error instanceof Error ? error.message : String(error)),
						services,
					);
				}
				// There may be room for a row where there was none for many.
				const disk_full = diskFullAlert(error);
				if (disk_full !== null) await report(disk_full, services);
			}
			throw error;
		} finally {
			const span = { name, job, started_at, ended_at: performance.timeOrigin + performance.now(), scope, failure };
			observeRun(span, services);
		}
	};
}

interface Run {
	name: string;
	job: { id: unknown; attempts: number; created_at: Date };
	started_at: number;
	ended_at: number;
	scope: JobScope;
	failure: unknown;
}

/** A job is measured; one that turned out to be about a payment joins the payment's trace, from when it was added. */
function observeRun({ name, job, started_at, ended_at, scope, failure }: Run, { metrics, tracing }: Services): void {
	const outcome = failure === undefined ? "completed" : failure instanceof TryAgain ? "again" : "failed";
	metrics.jobs.observe({ task: name, outcome }, (ended_at - started_at) / 1000);
	if (tracing === null || scope.transaction_id === null) return;
	tracing.record(scope.transaction_id, {
		name,
		kind: "consumer",
		started_at,
		ended_at,
		attributes: {
			"job.id": String(job.id),
			"job.attempt": job.attempts,
			"job.added_at": job.created_at.toISOString(),
			"transaction.id": scope.transaction_id,
		},
		children: scope.calls,
		...(outcome === "failed" && { error: failure instanceof Error ? failure.name : "failed" }),
	});
}

async function report(alert: AlertInput, { database, log }: Services): Promise<void> {
	try {
		await raiseAlert(database, alert);
	} catch (cause) {
		log.error({ err: cause }, "the alert of a failed job could not be raised");
	}
}
