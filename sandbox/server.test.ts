import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const SERVER = fileURLToPath(new URL("server.ts", import.meta.url));

/** As its parent starts it: plain node, with a channel. */
function start(env: Record<string, string>) {
	return fork(SERVER, {
		env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE, PORT: "0", ...env },
		stdio: "pipe",
		execArgv: [],
	});
}

async function refusal(env: Record<string, string>) {
	const child = start(env);
	let complaint = "";
	child.stderr!.on("data", (chunk) => {
		complaint += chunk;
	});
	const [code] = await once(child, "close");
	return { code, complaint: complaint.trim() };
}

it.each(["SIGTERM", "SIGINT"] as const)(
	"listens on loopback, tells its parent the port, and stops on %s",
	async (signal) => {
		const child = start({});
		const [message] = (await once(child, "message")) as [{ ready: boolean; port: number }];
		expect(message).toEqual({ ready: true, port: expect.any(Number) });
		expect((await fetch(`http://127.0.0.1:${message.port}/healthz`)).status).toBe(200);
		child.kill(signal);
		expect((await once(child, "exit"))[0]).toBe(0);
	},
);

it("stops when its parent is gone", async () => {
	const child = start({});
	await once(child, "message");
	child.disconnect();
	expect((await once(child, "exit"))[0]).toBe(0);
});

it.each([
	["in production", { NODE_ENV: "production" }, "NODE_ENV is not usable: the sandbox is not started in production."],
	[
		"on any but a loopback address",
		{ HOST: "0.0.0.0" },
		"HOST is not usable: the sandbox listens on a loopback address only.",
	],
])("does not start %s", async (_case, env, sentence) => {
	expect(await refusal(env)).toEqual({ code: 1, complaint: sentence });
});
