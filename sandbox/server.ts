import { pino } from "pino";
import { createSandbox } from "./app.ts";
import { type Env, readEnv } from "./env.ts";

const STOP_WITHIN_MS = 10_000;

function readEnvOrExit(): Env {
	try {
		return readEnv(process.env);
	} catch (error) {
		console.error((error as Error).message);
		process.exit(1);
	}
}

const env = readEnvOrExit();
const logger = pino({ name: "sandbox", level: env.LOG_LEVEL });
const sandbox = createSandbox({
	host: env.HOST,
	state_file: env.SANDBOX_STATE_FILE ?? null,
	webhook_retry_base_ms: env.SANDBOX_WEBHOOK_RETRY_BASE_MS,
	onError: (error) => logger.error({ err: error }, "request failed"),
});

let stopping = false;
async function stop(reason: string): Promise<void> {
	if (stopping) return;
	stopping = true;
	logger.info({ reason }, "stopping");
	setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref();
	await sandbox.close();
	process.exit(0);
}

process.on("SIGTERM", () => stop("SIGTERM"));
process.on("SIGINT", () => stop("SIGINT"));
if (process.send) process.on("disconnect", () => stop("parent gone"));

try {
	const url = await sandbox.listen(env.PORT);
	logger.info({ url }, "listening");
	process.send?.({ ready: true, port: Number(new URL(url).port) });
} catch (error) {
	const taken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
	logger.fatal({ err: error }, taken ? `port ${env.PORT} is taken: set SANDBOX_PORT to a free one` : "cannot listen");
	process.exit(1);
}
