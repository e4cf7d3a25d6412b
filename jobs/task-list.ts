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
import { raiseAlert } from "../db/client/operations.ts";
import { failedJobAlert } from "./failed-job-alert.ts";
import { type Services, type TaskContext, type TaskModule, TryAgain } from "./task.ts";
import * as confirmAttempt from "./tasks/confirm_attempt.ts";
import * as createPspOrder from "./tasks/create_psp_order.ts";
import * as deliverWebhook from "./tasks/deliver_webhook.ts";
import * as movePayment from "./tasks/move_payment.ts";
import * as processGatewayEvent from "./tasks/process_gateway_event.ts";
import * as refundPayment from "./tasks/refund_payment.ts";
import * as sendAlert from "./tasks/send_alert.ts";

export interface Lane {
	name: string;
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

const LANES: readonly Lane[] = [
	{ name: "orders", concurrency: 25, is_grouped: true, tasks: { create_psp_order: task(createPspOrder) } },
	// A payer waits for each; most while a PSP is unwell, which must not hold up orders at the others.
	{ name: "moves", concurrency: 10, is_grouped: true, tasks: { move_payment: task(movePayment) } },
	{ name: "events", concurrency: 50, is_grouped: true, tasks: { process_gateway_event: task(processGatewayEvent) } },
	{ name: "lookups", concurrency: 10, is_grouped: true, tasks: { confirm_attempt: task(confirmAttempt) } },
	{ name: "refunds", concurrency: 10, is_grouped: true, tasks: { refund_payment: task(refundPayment) } },
	{
		name: "deliveries",
		concurrency: 50,
		is_grouped: false,
		tasks: { deliver_webhook: task(deliverWebhook), send_alert: task(sendAlert) },
	},
];

const NO_GROUP = "default";

/** The lanes of a worker that calls the PSPs of these groups. What is no gateway's goes with the gateways of no group. */
export function lanesFor(groups: ReadonlySet<string>): Lane[] {
	return LANES.map((lane) => {
		const own = [...groups].filter((group) => lane.is_grouped || group === NO_GROUP);
		const tasks = own.flatMap((group) =>
			Object.entries(lane.tasks).map(([name, run]) => [group === NO_GROUP ? name : `${name}:${group}`, run] as const),
		);
		return { ...lane, tasks: Object.fromEntries(tasks) };
	}).filter(({ tasks }) => Object.keys(tasks).length > 0);
}

export function toTaskList(lane: Lane, services: Services): TaskList {
	return Object.fromEntries(
		Object.entries(lane.tasks).map(([name, run]) => [name, toGraphileTask(name, run, services)]),
	);
}

/** A task with many tries goes on for days; by this one somebody should know. */
const TRIES_BEFORE_ALERT = 5;

/** Gives the run its log, and tells operators of a job that does not come through. */
function toGraphileTask(name: string, run: RunTask, services: Services): Task {
	return async (raw_payload, { job }) => {
		const is_last_attempt = job.attempts >= job.max_attempts;
		const log = services.log.child({ task: name, job_id: job.id, attempt: job.attempts });
		try {
			await run(raw_payload, {
				...services,
				log,
				job: { id: String(job.id), attempt: job.attempts, is_last_attempt, is_urgent: job.priority < 0 },
			});
		} catch (error) {
			if (error instanceof TryAgain) {
				log.info({ reason: error.message }, "job waits for another try");
			} else {
				log.error({ err: error, payload: raw_payload }, is_last_attempt ? "job failed for good" : "job failed");
				if (is_last_attempt || job.attempts === TRIES_BEFORE_ALERT) await report(name, String(job.id), error, services);
			}
			throw error;
		}
	};
}

async function report(task: string, job_id: string, error: unknown, { database, log }: Services): Promise<void> {
	try {
		await raiseAlert(database, failedJobAlert(task, job_id, error instanceof Error ? error.message : String(error)));
	} catch (cause) {
		log.error({ err: cause }, "the alert of a failed job could not be raised");
	}
}
