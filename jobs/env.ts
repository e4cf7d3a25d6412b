import { z } from "zod";
import { type EncryptionKeys, parseEncryptionKeys } from "../db/client/secrets.ts";
import { TELEMETRY, type TelemetryVariables } from "../telemetry/settings.ts";
import { type AlertSettings, readAlertSettings } from "./alerts/settings.ts";
import type { BackupSettings } from "./backups.ts";
import { DELIVERIES_AT_ONCE } from "./delivery-gate.ts";
import { readWhatsappSettings, type WhatsappSettings } from "./whatsapp/settings.ts";

/** What is wrong with the environment, in one sentence for whoever starts the process. */
export class EnvError extends Error {
	override readonly name = "EnvError";
}

export interface JobsEnv {
	database_url: string;
	encryption_keys: EncryptionKeys;
	status_token_key: Buffer;
	/** Without a trailing slash. */
	checkout_url: string;
	/** Null: adapters talk to the PSPs' real hosts. */
	sandbox_url: string | null;
	/** Where this worker reaches the studio, whose flows hear of events; null: they wait until there is one. */
	studio_url: string | null;
	/** host:port that merchants' webhooks may reach although private. */
	outbound_allowed_hosts: ReadonlySet<string>;
	/** Whose PSP accounts this worker calls; "default" stands for those of no group. */
	egress_groups: ReadonlySet<string>;
	/** Null: nothing is sent by WhatsApp. */
	whatsapp: WhatsappSettings | null;
	alerts: AlertSettings;
	/** Where /metrics is served; null: nowhere. */
	metrics: { port: number; host: string; token: string | undefined } | null;
	telemetry: TelemetryVariables;
	/** Null: the database is backed up by others. */
	backups: BackupSettings | null;
	log_level: "fatal" | "error" | "warn" | "info" | "debug" | "trace" | "silent";
	worker_beat_seconds: number;
	/** How many merchants' endpoints this worker waits for at a time. */
	deliveries_at_once: number;
}

const url = (name: string, example: string) =>
	z
		.string(`${name} is not set: give it a URL, e.g. ${example}.`)
		.refine((text) => /^https?:\/\/[^/]/.test(text) && URL.canParse(text), `${name} must be a URL, e.g. ${example}.`)
		.transform((text) => text.replace(/\/+$/, ""));

const host = z
	.string()
	.regex(
		/^(?:[a-z0-9.-]+|\[[0-9a-f:]+\]):\d{1,5}$/,
		"OUTBOUND_ALLOWED_HOSTS must be a comma-separated list of host:port, e.g. 127.0.0.1:4000.",
	);

/** As a gateway may be given it in the studio; and "default". */
const egress_group = z
	.string()
	.regex(
		/^[a-z][a-z0-9_-]{0,30}$/,
		"EGRESS_GROUPS must be a comma-separated list of groups, e.g. default,mumbai; default stands for gateways of no group.",
	);

/** The entries of a comma-separated list. */
function listOf(text: string): string[] {
	return text
		.split(",")
		.map((entry) => entry.trim())
		.filter((entry) => entry !== "");
}

const schema = z
	.object({
		...TELEMETRY,
		METRICS_PORT: z.coerce
			.number("METRICS_PORT must be a port number.")
			.int("METRICS_PORT must be a port number.")
			.min(0, "METRICS_PORT must be a port number.")
			.max(65_535, "METRICS_PORT must be a port number.")
			.optional(),
		METRICS_HOST: z.string().default("127.0.0.1"),
		METRICS_TOKEN: z.string().min(16, "METRICS_TOKEN must have at least 16 characters.").optional(),
		NODE_ENV: z.string().optional(),
		DATABASE_URL: z
			.string("DATABASE_URL is not set: give it the connection URL of the database role jobs.")
			.regex(/^postgres(ql)?:\/\//, "DATABASE_URL must start with postgres:// or postgresql://."),
		ENCRYPTION_KEYS: z
			.string(
				"ENCRYPTION_KEYS is not set: give it <key id>:<base64 of 32 random bytes>, as the other processes have it.",
			)
			.transform((text, context) => {
				try {
					return parseEncryptionKeys(text);
				} catch (error) {
					context.addIssue({ code: "custom", message: (error as Error).message });
					return z.NEVER;
				}
			}),
		STATUS_TOKEN_KEY: z
			.string("STATUS_TOKEN_KEY is not set: give it base64 of 32 random bytes, the same as checkout has.")
			.transform((text) => Buffer.from(text, "base64"))
			.refine(
				(key) => key.length === 32,
				"STATUS_TOKEN_KEY must be base64 of 32 random bytes, the same as checkout has.",
			),
		PUBLIC_CHECKOUT_URL: url("PUBLIC_CHECKOUT_URL", "http://127.0.0.1:3000"),
		SANDBOX_URL: url("SANDBOX_URL", "http://127.0.0.1:4000").optional(),
		STUDIO_URL: url("STUDIO_URL", "http://127.0.0.1:8055").optional(),
		OUTBOUND_ALLOWED_HOSTS: z
			.string()
			.default("")
			.transform((text) => listOf(text.toLowerCase()))
			.pipe(z.array(host)),
		EGRESS_GROUPS: z
			.string()
			.default("default")
			.transform(listOf)
			.pipe(z.array(egress_group).min(1, "EGRESS_GROUPS names no group: unset it for gateways of no group.")),
		BACKUP_DATABASE_URL: z
			.string()
			.regex(/^postgres(ql)?:\/\//, "BACKUP_DATABASE_URL must be the postgres:// URL of the database role backup.")
			.optional(),
		BACKUP_DIR: z.string().optional(),
		BACKUP_KEEP_DAYS: z
			.string()
			.regex(/^[1-9]\d{0,3}$/, "BACKUP_KEEP_DAYS must be a number of days.")
			.optional(),
		LOG_LEVEL: z
			.enum(
				["fatal", "error", "warn", "info", "debug", "trace", "silent"],
				"LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent.",
			)
			.default("info"),
		WORKER_BEAT_SECONDS: z.coerce
			.number("WORKER_BEAT_SECONDS must be a number of seconds.")
			.min(0.1, "WORKER_BEAT_SECONDS must be between 0.1 and 6.")
			// More would let a killed worker's jobs wait longer than a minute.
			.max(6, "WORKER_BEAT_SECONDS must be between 0.1 and 6.")
			.default(5),
		DELIVERIES_AT_ONCE: z.coerce
			.number("DELIVERIES_AT_ONCE must be a number.")
			.int("DELIVERIES_AT_ONCE must be a whole number.")
			.min(2, "DELIVERIES_AT_ONCE must be between 2 and 500.")
			.max(500, "DELIVERIES_AT_ONCE must be between 2 and 500.")
			.default(DELIVERIES_AT_ONCE),
	})
	.refine(
		(env) => (env.BACKUP_DATABASE_URL === undefined) === (env.BACKUP_DIR === undefined),
		"BACKUP_DATABASE_URL and BACKUP_DIR belong together: set both, or neither.",
	)
	.refine(
		(env) => env.SANDBOX_URL === undefined || env.NODE_ENV !== "production",
		"SANDBOX_URL is set although NODE_ENV is production: unset it, else no payment reaches a real provider.",
	);

export function readEnv(env: Record<string, string | undefined>): JobsEnv {
	// An empty variable is how compose files and shells say "not set".
	const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
	const result = schema.safeParse(given);
	if (!result.success) throw new EnvError(result.error.issues[0]!.message);
	const parsed = result.data;
	return {
		database_url: parsed.DATABASE_URL,
		encryption_keys: parsed.ENCRYPTION_KEYS,
		status_token_key: parsed.STATUS_TOKEN_KEY,
		checkout_url: parsed.PUBLIC_CHECKOUT_URL,
		sandbox_url: parsed.SANDBOX_URL ?? null,
		studio_url: parsed.STUDIO_URL ?? null,
		outbound_allowed_hosts: new Set(parsed.OUTBOUND_ALLOWED_HOSTS),
		egress_groups: new Set(parsed.EGRESS_GROUPS),
		whatsapp: readWith(readWhatsappSettings, given),
		alerts: readWith(readAlertSettings, given),
		metrics:
			parsed.METRICS_PORT === undefined
				? null
				: { port: parsed.METRICS_PORT, host: parsed.METRICS_HOST, token: parsed.METRICS_TOKEN },
		telemetry: parsed,
		backups:
			parsed.BACKUP_DATABASE_URL === undefined || parsed.BACKUP_DIR === undefined
				? null
				: {
						database_url: parsed.BACKUP_DATABASE_URL,
						record_url: parsed.DATABASE_URL,
						directory: parsed.BACKUP_DIR,
						keep_days: parsed.BACKUP_KEEP_DAYS ?? "",
					},
		log_level: parsed.LOG_LEVEL,
		worker_beat_seconds: parsed.WORKER_BEAT_SECONDS,
		deliveries_at_once: parsed.DELIVERIES_AT_ONCE,
	};
}

type Variables = Record<string, string | undefined>;

function readWith<Value>(read: (env: Variables) => Value, env: Variables): Value {
	try {
		return read(env);
	} catch (error) {
		if (!(error instanceof z.ZodError)) throw error;
		throw new EnvError(error.issues[0]!.message);
	}
}
