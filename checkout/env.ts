import ipaddr from "ipaddr.js";
import { z } from "zod";
import { type EncryptionKeys, parseEncryptionKeys } from "../db/client/secrets.ts";
import { TELEMETRY } from "../telemetry/settings.ts";

const url = (example: string) =>
	z
		.url({ protocol: /^https?$/, error: `must be an absolute URL, e.g. ${example}` })
		.transform((value) => value.replace(/\/+$/, ""));

const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

const schema = z.object({
	...TELEMETRY,
	NODE_ENV: z.string().default("development"),
	DATABASE_URL: z
		.string({ error: "must be the connection URL of the checkout role" })
		.regex(/^postgres(ql)?:\/\//, "must start with postgres://"),
	ENCRYPTION_KEYS: z.string({ error: "must hold the keys that the secrets in the database were encrypted with" }),
	STATUS_TOKEN_KEY: z
		.string({ error: "must be base64 of 32 random bytes" })
		.transform((text) => Buffer.from(text, "base64"))
		.refine((key) => key.length === 32, "must be base64 of 32 random bytes"),
	PUBLIC_CHECKOUT_URL: url("https://pay.example.com"),
	/** May frame the previews of payment pages; without it there are none. */
	PUBLIC_STUDIO_URL: url("https://studio.example.com").optional(),
	/** The studio's own address, as this process reaches it; without it /admin answers 503. */
	STUDIO_URL: url("http://127.0.0.1:8055").optional(),
	SANDBOX_URL: url("http://127.0.0.1:4000").optional(),
	HOST: z.string().default("127.0.0.1"),
	PORT: z.coerce.number({ error: "must be a port number" }).int().min(0).max(65_535).default(3000),
	LOG_LEVEL: z
		.enum(LOG_LEVELS, `must be ${LOG_LEVELS.slice(0, -1).join(", ")} or ${LOG_LEVELS.at(-1)}`)
		.default("info"),
	/** Without it /metrics answers loopback only. */
	METRICS_TOKEN: z.string().min(16, "must have at least 16 characters").optional(),
	/** Proves the webhooks of WhatsApp at Meta; without it there are none. */
	WHATSAPP_META_APP_SECRET: z.string().min(16, "must be the app's secret at Meta").optional(),
	/** What Meta's test of the webhook address must bring. */
	WHATSAPP_META_VERIFY_TOKEN: z.string().min(16, "must have at least 16 characters").optional(),
	/** Proves the webhooks of Gupshup, which signs none: part of the address that it is given. */
	WHATSAPP_GUPSHUP_WEBHOOK_KEY: z.string().min(16, "must have at least 16 characters").optional(),
	/** Whose X-Forwarded-For is believed: addresses or CIDR ranges, comma-separated. */
	TRUSTED_PROXIES: z
		.string()
		.default("")
		.transform((text) =>
			text
				.split(",")
				.map((entry) => entry.trim())
				.filter((entry) => entry !== ""),
		)
		.refine(
			(entries) => entries.every((entry) => ipaddr.isValid(entry) || ipaddr.isValidCIDR(entry)),
			"must be addresses or CIDR ranges, comma-separated",
		),
});

export type Env = Omit<z.output<typeof schema>, "ENCRYPTION_KEYS"> & { ENCRYPTION_KEYS: EncryptionKeys };

/** A variable that is missing or wrong; the message is one sentence for whoever starts the process. */
export class EnvError extends Error {
	override readonly name = "EnvError";
}

export function readEnv(source: Record<string, string | undefined>): Env {
	// An empty variable is one that is not set: compose files and shells cannot always leave it out.
	const set = Object.fromEntries(Object.entries(source).filter(([, value]) => value !== ""));
	const parsed = schema.safeParse(set);
	if (!parsed.success) {
		const issue = parsed.error.issues[0]!;
		throw new EnvError(
			`${issue.path.join(".")} ${set[String(issue.path[0])] ? "" : "is not set: it "}${issue.message}.`,
		);
	}
	const env = parsed.data;
	if (env.NODE_ENV === "production" && env.SANDBOX_URL !== undefined) {
		throw new EnvError("SANDBOX_URL is set: a sandbox must not stand in for the PSPs when NODE_ENV is production.");
	}
	try {
		return { ...env, ENCRYPTION_KEYS: parseEncryptionKeys(env.ENCRYPTION_KEYS) };
	} catch (error) {
		throw new EnvError((error as Error).message);
	}
}
