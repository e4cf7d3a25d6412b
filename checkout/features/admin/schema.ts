import { z } from "zod";
import { expects, plainText } from "../../middleware/validation.ts";

const time = () => z.iso.datetime({ offset: true, error: "must be a time like 2026-01-31T12:00:00Z" });
const uuid = () => z.uuid("must be a uuid");

export const GatewayId = uuid();

const number = (least: number, most: number) => {
	const message = `must be a number from ${least} to ${most}`;
	return z
		.string(expects("given once"))
		.regex(/^\d{1,6}$/, message)
		.transform(Number)
		.pipe(z.int().min(least, message).max(most, message));
};
const flag = () => z.enum(["true", "false"], "must be true or false").transform((text) => text === "true");

const page = {
	limit: number(1, 100).default(20).meta({ description: "At most 100; 20 if left out." }),
	page: number(1, 1000).default(1).meta({ description: "From 1." }),
};
const times = { created_gte: time().optional(), created_lt: time().optional() };

export const GatewaysQuery = z.strictObject({
	client_id: uuid().optional(),
	provider: plainText(40).optional(),
	is_active: flag().optional(),
	...page,
});

const paise = () =>
	z.int(expects("a whole number of paise")).min(0, "must not be negative").max(Number.MAX_SAFE_INTEGER);
const names = () => z.array(plainText(40)).max(50, "must have at most 50 entries");

const editable = {
	name: plainText(100),
	api_key: plainText(500),
	api_secret: plainText(4000).meta({ description: "Write-only: encrypted at once, and never shown again." }),
	webhook_secret: plainText(4000).meta({ description: "Write-only." }),
	settings: z
		.record(z.string().max(100), z.unknown())
		.meta({ description: "What the provider needs beside its keys." }),
	monthly_limit: paise().nullable().meta({ description: "Paise; null = none." }),
	priority: z.int(expects("a whole number")).min(-32_768).max(32_767),
	weight: z.int(expects("a whole number")).min(0).max(32_767),
	is_active: z.boolean(expects("true or false")),
	methods: names().nullable(),
	currencies: names(),
	min_amount: paise().nullable(),
	max_amount: paise().nullable(),
	egress_group: plainText(31).nullable(),
	webhook_networks: z.array(plainText(50)).max(100).nullable(),
};

export const UpdateGateway = z
	.strictObject(editable)
	.partial()
	.refine((changes) => Object.keys(changes).length > 0, { message: "must name at least one field", path: ["body"] })
	.meta({ id: "UpdateGateway" });

export const CreateGateway = z
	.strictObject({
		...z.strictObject(editable).partial().shape,
		client_id: uuid().meta({ description: "Whose account it is, for good." }),
		provider: plainText(40),
		name: editable.name,
		api_key: editable.api_key,
	})
	.meta({ id: "CreateGateway" });

export const ToggleGateway = z
	.strictObject({
		is_active: z
			.boolean(expects("true or false"))
			.optional()
			.meta({ description: "If left out: the other one of the two." }),
	})
	.meta({ id: "ToggleGateway" });

/** Fields that the person may not see are not in it. */
export const Gateway = z
	.object({
		id: GatewayId,
		client_id: uuid(),
		name: z.string(),
		provider: z.string(),
		api_key: z.string(),
		has_webhook_secret: z.boolean(),
		settings: z.record(z.string(), z.unknown()),
		monthly_limit: z.int().nullable().meta({ description: "Paise." }),
		priority: z.int(),
		weight: z.int(),
		is_active: z.boolean(),
		methods: z.array(z.string()).nullable(),
		currencies: z.array(z.string()),
		min_amount: z.int().nullable(),
		max_amount: z.int().nullable(),
		egress_group: z.string().nullable(),
		webhook_networks: z.array(z.string()).nullable(),
		created_at: time(),
		updated_at: time(),
	})
	.partial()
	.meta({ id: "Gateway", description: "A merchant's account at a PSP. Only the fields that the token may read." });

const pageOf = (schema: z.ZodType) => z.object({ data: z.array(schema), has_more: z.boolean() });

export const GatewaysPage = pageOf(Gateway).meta({ id: "GatewaysPage" });

export const QueueName = plainText(100).meta({
	description: "A task's identifier or a schedule's name.",
	example: "refund_payment",
});

export const QUEUE_ACTIONS = ["pause", "resume", "retry", "redrive", "drain"] as const;
export const QueueAction = z.enum(QUEUE_ACTIONS, `must be one of ${QUEUE_ACTIONS.join(", ")}`);

export const ActOnQueue = z
	.strictObject({
		queue: QueueName,
		reason: plainText(500).meta({ description: "Kept in the audit trail." }),
		job_id: plainText(40).optional().meta({ description: "Of `retry` and `redrive`: one job instead of all." }),
	})
	.meta({ id: "ActOnQueue" });

export const QueueResult = z
	.object({ jobs: z.int(), more: z.boolean().meta({ description: "Ask again: not all were done at once." }) })
	.partial()
	.meta({ id: "QueueResult", description: "Empty for `pause` and `resume`." });

const Queue = z
	.object({
		queue: z.string(),
		kind: z.enum(["task", "schedule"]),
		period: z.string().nullable(),
		is_discardable: z.boolean().meta({ description: "Whether `drain` is allowed: never where jobs move money." }),
		is_pausable: z.boolean(),
		waiting: z.int(),
		scheduled: z.int().meta({ description: "For later." }),
		active: z.int(),
		failed: z.int().meta({ description: "Will be tried again." }),
		dead: z.int().meta({ description: "Failed for good." }),
		oldest_waiting_seconds: z.int(),
		completed: z.int().meta({ description: "Since the queue is known." }),
		completed_last_hour: z.int(),
		failed_tries_last_hour: z.int(),
		completed_at: time().nullable(),
		paused: z.object({ reason: z.string(), by: z.string(), at: time() }).nullable(),
	})
	.meta({ id: "Queue" });

export const Queues = z
	.object({
		worker_pools: z.int().meta({ description: "Alive now; 0 = nobody works." }),
		is_capped: z.boolean().meta({ description: "A backlog of more than 50,000 jobs: figures are lower bounds." }),
		may_act: z.boolean(),
		queues: z.array(Queue),
	})
	.meta({ id: "Queues" });

export const QueueJobsQuery = z.strictObject({
	queue: QueueName,
	state: z.enum(["dead", "failed"], "must be dead or failed").default("dead"),
	before: z
		.string(expects("given once"))
		.regex(/^\d{1,18}$/, "must be a job's id")
		.optional(),
});

export const QueueJobs = z
	.object({
		data: z.array(
			z.object({
				id: z.string(),
				ids: z.record(z.string(), z.string()).meta({ description: "What it is about." }),
				attempts: z.int(),
				max_attempts: z.int(),
				last_error: z.string().nullable(),
				created_at: time(),
				failed_at: time(),
				next_try_at: time().nullable(),
			}),
		),
	})
	.meta({ id: "QueueJobs" });

export const WhatsappQuery = z.strictObject({
	client_id: uuid().optional(),
	status: plainText(20).optional(),
	template: plainText(100).optional(),
	...times,
	...page,
});

export const LedgerQuery = z.strictObject({
	client_id: uuid().optional(),
	type: plainText(40).optional(),
	transaction_id: uuid().optional(),
	...times,
	...page,
});

export const AuditQuery = z.strictObject({
	actor: plainText(100).optional(),
	action: plainText(100).optional(),
	table_name: plainText(100).optional(),
	row_id: plainText(100).optional(),
	...times,
	...page,
});

const WhatsappNotification = z
	.looseObject({
		id: uuid(),
		client_id: uuid(),
		template: z.string(),
		recipient: z.string(),
		status: z.string(),
		attempts: z.int(),
		error_message: z.string().nullable(),
		created_at: time(),
	})
	.partial();
export const WhatsappPage = pageOf(WhatsappNotification).meta({ id: "WhatsappPage" });

const LedgerEntry = z
	.object({
		id: uuid(),
		client_id: uuid(),
		entry_no: z.int(),
		type: z.string(),
		amount: z.int().meta({ description: "Paise." }),
		balance_after: z.int().meta({ description: "Paise due after it." }),
		transaction_id: uuid().nullable(),
		refund_id: uuid().nullable(),
		description: z.string().nullable(),
		created_at: time(),
	})
	.partial();
export const LedgerPage = pageOf(LedgerEntry).meta({ id: "LedgerPage" });

const AuditEntry = z
	.object({
		id: uuid(),
		actor: z.string(),
		database_role: z.string(),
		address: z.string().nullable(),
		action: z.string(),
		table_name: z.string(),
		row_id: z.string(),
		before: z.unknown(),
		after: z.unknown(),
		created_at: time(),
	})
	.partial();
export const AuditPage = pageOf(AuditEntry).meta({ id: "AuditPage" });
