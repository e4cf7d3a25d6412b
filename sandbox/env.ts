import { isIP } from "node:net";
import { z } from "zod";

function isLoopback(host: string): boolean {
	return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

const envSchema = z.object({
	NODE_ENV: z
		.string()
		.refine((mode) => mode !== "production", "the sandbox is not started in production")
		.optional(),
	HOST: z.string().refine(isLoopback, "the sandbox listens on a loopback address only").default("127.0.0.1"),
	PORT: z.coerce.number().int().min(0).max(65_535).default(4000),
	SANDBOX_STATE_FILE: z.string().min(1).optional(),
	SANDBOX_WEBHOOK_RETRY_BASE_MS: z.coerce.number().int().min(1).max(3_600_000).default(1_000),
	LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
});

export type Env = z.infer<typeof envSchema>;

/** Throws one clear sentence for the first variable that will not do. */
export function readEnv(env: NodeJS.ProcessEnv): Env {
	const result = envSchema.safeParse(env);
	if (result.success) return result.data;
	const issue = result.error.issues[0]!;
	throw new Error(`${issue.path.join(".")} is not usable: ${issue.message}.`);
}
