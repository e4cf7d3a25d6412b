import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, expect, it } from "vitest";
import { ask, persistently } from "./persistence.ts";

type Reply = (req: IncomingMessage, res: ServerResponse) => void;

const told =
	(status: number, headers: Record<string, string> = {}): Reply =>
	(_req, res) =>
		res.writeHead(status, headers).end("{}");
const hangUp: Reply = (req) => req.socket.destroy();
const breakOff: Reply = (_req, res) => {
	res.writeHead(200, { "content-length": "100" });
	res.write("{");
	setImmediate(() => res.socket?.destroy());
};

const servers: ReturnType<typeof createServer>[] = [];
afterEach(() => {
	for (const server of servers.splice(0)) server.close();
});

/** Replies in turn, and then as the last; keeps what it was sent. */
async function serve(...replies: Reply[]) {
	const received: { key: unknown; body: string }[] = [];
	const server = createServer(async (req, res) => {
		received.push({ key: req.headers["idempotency-key"], body: await text(req) });
		replies[Math.min(received.length, replies.length) - 1]!(req, res);
	}).listen(0, "127.0.0.1");
	servers.push(server);
	await once(server, "listening");
	const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	const send = () => ask(url, { method: "POST", headers: { "idempotency-key": "k-1" }, body: "refund" });
	return { received, send };
}

it("asks again, for the same and under the same key, until there is an answer", async () => {
	const { received, send } = await serve(
		hangUp,
		told(503, { "retry-after": "0" }),
		breakOff,
		told(429, { "retry-after": "0" }),
		told(409),
	);
	expect((await persistently(send)).status).toBe(409);
	expect(received).toEqual(Array.from({ length: 5 }, () => ({ key: "k-1", body: "refund" })));
});

it("takes for an answer what it is told when its patience is over", async () => {
	const { received, send } = await serve(told(503, { "retry-after": "60" }));
	expect((await persistently(send, 0)).status).toBe(503);
	expect(received).toHaveLength(1);
});

it("does not bear to be told to come again and not when", async () => {
	const { send } = await serve(told(503));
	await expect(persistently(send)).rejects.toThrow("503 without Retry-After");
});
