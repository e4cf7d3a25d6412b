/** Serves the merchant API and the payer's pages. Variables: see env.ts. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { buildApp } from "./app.ts";
import { createDependencies, type Dependencies } from "./dependencies.ts";
import { type Env, EnvError, readEnv } from "./env.ts";
import { answerMalformedRequests } from "./middleware/malformed-requests.ts";

/** A load balancer needs this long to notice; connections still open after it are cut. */
const STOP_MS = 8_000;

async function serve(env: Env): Promise<void> {
	const dependencies = await createDependencies(env);
	const server = createServer(
		// Slow senders are cut off; the 75 s outlive the idle time of common load balancers, so that they close first.
		{ headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 75_000, maxHeaderSize: 16 * 1024 },
		buildApp(dependencies),
	);
	answerMalformedRequests(server);
	const port = await listen(server, env).catch(async (error) => {
		await dependencies.close();
		throw error;
	});
	dependencies.logger.info({ host: env.HOST, port }, "checkout is listening");
	process.send?.({ ready: true, port });
	let is_stopping = false;
	const stopOnce = () => {
		if (is_stopping) return;
		is_stopping = true;
		stop(server, dependencies);
	};
	for (const reason of ["SIGTERM", "SIGINT", "disconnect"]) process.once(reason, stopOnce);
}

function listen(server: Server, { HOST, PORT }: Env): Promise<number> {
	return new Promise((resolve, reject) => {
		server.once("error", reject);
		server.listen(PORT, HOST, () => resolve((server.address() as AddressInfo).port));
	});
}

async function stop(server: Server, dependencies: Dependencies): Promise<void> {
	const deadline = setTimeout(() => process.exit(1), STOP_MS + 1_000);
	const cut = setTimeout(() => server.closeAllConnections(), STOP_MS);
	// Streams first: to the server their connections are idle, and it closes those at once.
	dependencies.hub.endAll();
	const closed = new Promise((resolve) => server.close(resolve));
	await closed;
	clearTimeout(cut);
	await dependencies.close();
	dependencies.logger.info("checkout has stopped");
	dependencies.logger.flush(() => {
		clearTimeout(deadline);
		process.exit(0);
	});
}

function explain(error: unknown): string {
	if (error instanceof EnvError) return error.message;
	const { code, message } = error as NodeJS.ErrnoException;
	if (code === "EADDRINUSE") return `Port ${(error as { port?: number }).port} is taken: set PORT to a free one.`;
	const cause = (error as Error).cause;
	return cause instanceof Error ? `${message} (${cause.message})` : message;
}

try {
	await serve(readEnv(process.env));
} catch (error) {
	console.error(`checkout cannot start: ${explain(error)}`);
	process.exit(1);
}
