import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answerMalformedRequests } from "./malformed-requests.ts";

let server: Server;
beforeAll(async () => {
	server = createServer({ maxHeaderSize: 4096 }, (_req, res) => res.end("fine"));
	answerMalformedRequests(server);
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
});
afterAll(() => {
	server.close();
});

async function send(bytes: string): Promise<string> {
	const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
	socket.end(bytes);
	return text(socket);
}

describe("a request that is not HTTP", () => {
	it.each([
		["rubbish", "rubbish\r\n\r\n", 400],
		["two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400],
		[
			"a length beside chunks",
			"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			400,
		],
		["headers without end", `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${"x".repeat(5000)}\r\n\r\n`, 431],
	])("(%s) is answered in the envelope of errors, and the connection is closed", async (_name, bytes, status) => {
		const answer = await send(bytes);
		const [head, body] = answer.split("\r\n\r\n");
		expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
		expect(head).toContain("Connection: close");
		const { error } = JSON.parse(body!);
		expect(error).toMatchObject({ code: "invalid_request" });
		expect(head).toContain(`X-Request-Id: ${error.request_id}`);
	});
});
