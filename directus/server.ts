/** Entry point of the studio: Directus in this process, listening on HOST:PORT. directus/prepare.ts has run before. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "./import-hooks.ts";
import { directusEnvironment, REPOSITORY, readEnvironment, type StudioEnvironment } from "./env.ts";

const LEVELS = { info: 30, error: 50, fatal: 60 };

function log(level: keyof typeof LEVELS, fields: Record<string, unknown>, msg: string): void {
	process.stdout.write(
		`${JSON.stringify({ level: LEVELS[level], time: Date.now(), name: "studio", ...fields, msg })}\n`,
	);
}

function fail(message: string): never {
	log("fatal", {}, message);
	process.exit(1);
}

let env: StudioEnvironment;
try {
	env = readEnvironment(process.env);
} catch (error) {
	fail((error as Error).message);
}
try {
	mkdirSync(env.uploadsDirectory, { recursive: true });
} catch {
	fail(`The directory ${env.uploadsDirectory} cannot be written to: set STUDIO_UPLOADS to one that can.`);
}

// Directus' schema reader complains on every reading about tables that the studio has no right on; the rest goes to the log.
console.error = (...parts: unknown[]) => {
	const line = parts.map(String).join(" ");
	if (!line.startsWith("Could not set primary key ")) log("error", {}, line);
};

// Directus reads the environment and the working directory's package.json while it is imported.
process.chdir(REPOSITORY);
// It writes the browser's part of the extensions to its temporary directory: one of this process's own, or studios that
// start side by side would read each other's half-written file.
const temporary = mkdtempSync(join(tmpdir(), "lightspeedpay-studio-"));
process.on("exit", () => rmSync(temporary, { recursive: true, force: true }));
Object.assign(process.env, directusEnvironment(env), { TEMP_PATH: temporary });
const { createServer } = await import("@directus/api/server");
const server = await createServer();
// Load balancers close what is idle: where we did, a request might come on a connection that is just being closed.
server.keepAliveTimeout = 75_000;

// Directus ends by sending itself the signal a second time; that is a clean end, not a death by signal.
for (const signal of ["SIGTERM", "SIGINT"] as const) {
	let received = false;
	process.on(signal, () => {
		if (received) process.exit(0);
		received = true;
		setTimeout(() => process.exit(1), 9_000).unref();
	});
}
process.on("disconnect", () => process.kill(process.pid, "SIGTERM"));

server.once("error", (error: NodeJS.ErrnoException) => {
	fail(
		error.code === "EADDRINUSE"
			? `Port ${env.port} is taken: stop what uses it or choose another STUDIO_PORT.`
			: `The studio cannot listen on ${env.host}:${env.port}: ${error.message}`,
	);
});
server.listen({ host: env.host, port: env.port }, () => {
	const { port } = server.address() as AddressInfo;
	log("info", { host: env.host, port }, "studio listening");
	process.send?.({ ready: true, port });
});
