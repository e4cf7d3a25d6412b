/** A merchant's endpoint: it can be dead in the ways that endpoints are, and verifies what it takes. Beside it one of Slack. */
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";
import { makeCanary } from "./canaries.ts";

export interface Receiver {
	/** host:port. */
	host: string;
	url: string;
	/** "hangs": never answers; "refuses": cuts the connection. */
	mode: "takes" | "hangs" | "refuses";
	secret: string;
	/** Tries that came, taken or not. */
	tries: number;
	/** Where operators' alerts go: whoever knows the address may write there. */
	slack_url: string;
	slack_secret: string;
	/** By the event's id: its type, and whether every copy verified. */
	taken: Map<string, { type: string; verified: boolean }>;
	close(): void;
}

export async function openReceiver(): Promise<Receiver> {
	const slack_secret = makeCanary("slack");
	const server = createServer({ keepAliveTimeout: 600_000 }, async (req, res) => {
		if (req.url === `/services/${slack_secret}`) {
			await text(req);
			res.end("ok");
			return;
		}
		receiver.tries += 1;
		if (receiver.mode === "refuses") {
			req.socket.destroy();
			return;
		}
		if (receiver.mode === "hangs") return;
		await take(req, receiver);
		res.end();
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
	const receiver: Receiver = {
		host,
		url: `http://${host}/webhook`,
		slack_url: `http://${host}/services/${slack_secret}`,
		slack_secret,
		mode: "takes",
		secret: "",
		tries: 0,
		taken: new Map(),
		close() {
			server.closeAllConnections();
			server.close();
		},
	};
	return receiver;
}

async function take(req: IncomingMessage, { secret, taken }: Receiver): Promise<void> {
	const body = await text(req);
	const headers = Object.fromEntries(
		["webhook-id", "webhook-timestamp", "webhook-signature"].map((name) => [name, String(req.headers[name])]),
	);
	let verified = true;
	let type = "";
	try {
		type = (new Webhook(secret).verify(body, headers) as { type: string }).type;
	} catch {
		verified = false;
	}
	const id = headers["webhook-id"]!;
	taken.set(id, { type, verified: verified && taken.get(id)?.verified !== false });
}
