import http from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { callOverHttp } from "./exchange.ts";

describe("a call over plain HTTP", () => {
	let server: http.Server;
	let url: string;

	beforeAll(async () => {
		server = http.createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
			switch (request.url) {
				case "/json":
					return response.writeHead(402, { "Retry-After": "7" }).end('{"a":1}');
				case "/page":
					return response.end("<html>");
				case "/elsewhere":
					return response.writeHead(302, { location: "/json" }).end();
				case "/half":
					response.writeHead(200, { "content-length": "100" }).write("{");
					return setImmediate(() => response.destroy());
				case "/hang-up":
					return request.socket.destroy();
			}
		});
		await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
		url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	});
	afterAll(() => {
		server.closeAllConnections();
		server.close();
	});

	test("gives what was answered, parsed when it is JSON", async () => {
		expect(await callOverHttp(`${url}/json`, {})).toMatchObject({
			kind: "answered",
			http_status: 402,
			headers: { "retry-after": "7" },
			body: { a: 1 },
		});
		expect(await callOverHttp(`${url}/page`, {})).toMatchObject({ http_status: 200, body: "<html>" });
	});

	test("follows no redirect", async () => {
		expect(await callOverHttp(`${url}/elsewhere`, {})).toMatchObject({ kind: "answered", http_status: 302 });
	});

	test("a connection that breaks after the request is lost", async () => {
		for (const path of ["/half", "/hang-up"]) {
			expect(await callOverHttp(url + path, {})).toMatchObject({ kind: "lost", timed_out: false });
		}
	});

	test("silence is lost, in time", async () => {
		expect(await callOverHttp(`${url}/silent`, {}, 100)).toMatchObject({ kind: "lost", timed_out: true });
	});

	test("a name or a port where nobody is was never sent", async () => {
		expect((await callOverHttp("http://psp.invalid/", {})).kind).toBe("never_sent");
		const gone = http.createServer();
		await new Promise<void>((resolve) => gone.listen(0, "127.0.0.1", resolve));
		const { port } = gone.address() as AddressInfo;
		await new Promise((resolve) => gone.close(resolve));
		expect(await callOverHttp(`http://127.0.0.1:${port}/`, {})).toEqual({ kind: "never_sent", reason: "ECONNREFUSED" });
	});
});
