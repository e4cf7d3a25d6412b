import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import {
	createOutbound,
	guardedLookup,
	isPublicAddress,
	type Outbound,
	OutboundError,
	type OutboundOptions,
	parseRetryAfter,
	type ResolvedAddress,
} from "./outbound.ts";

const opened: (Server | Outbound)[] = [];

async function listen(handler: RequestListener): Promise<{ host: string; port: number }> {
	const server = createServer({ keepAliveTimeout: 600_000 }, handler).listen(0, "127.0.0.1");
	opened.push(server);
	await once(server, "listening");
	const { port } = server.address() as AddressInfo;
	return { host: `127.0.0.1:${port}`, port };
}

function outbound(options: Partial<OutboundOptions> = {}): Outbound {
	const made = createOutbound({ allowed_hosts: new Set(), ...options });
	opened.push(made);
	return made;
}

afterEach(async () => {
	for (const one of opened.splice(0).reverse()) {
		if ("closeAllConnections" in one) one.closeAllConnections();
		await one.close();
	}
});

const message = { headers: { "content-type": "application/json" }, body: '{"a":1}' };

function refusal(promise: Promise<unknown>): Promise<OutboundError> {
	return promise.then(
		() => expect.fail("the request was let out"),
		(error: unknown) => {
			expect(error).toBeInstanceOf(OutboundError);
			return error as OutboundError;
		},
	);
}

describe("an address is public", () => {
	it.each(["8.8.8.8", "13.126.199.247", "2606:4700::6810:84e5", "2a00:1450:4009:81f::200e"])("%s: yes", (address) => {
		expect(isPublicAddress(address)).toBe(true);
	});

	it.each([
		"0.0.0.0",
		"10.1.2.3",
		"100.64.0.1",
		"127.0.0.1",
		"127.255.255.254",
		"169.254.169.254",
		"172.16.0.1",
		"172.31.255.255",
		"192.0.0.8",
		"192.0.2.1",
		"192.88.99.1",
		"192.168.1.1",
		"198.18.0.1",
		"203.0.113.9",
		"224.0.0.1",
		"240.0.0.1",
		"255.255.255.255",
		"::",
		"::1",
		"::ffff:10.0.0.1",
		"::ffff:8.8.8.8",
		"::10.0.0.1",
		"::8.8.8.8",
		"64:ff9b::10.0.0.1",
		"64:ff9b:1::a00:1",
		"2002:0a00:0001::1",
		"2001:0:4136:e378:8000:63bf:3fff:fdd2",
		"2001:db8::1",
		"fc00::1",
		"fd12:3456::1",
		"fe80::1",
		"fe80::1%eth0",
		"fec0::1",
		"ff02::1",
		"100::1",
		"4000::1",
		"not an address",
	])("%s: no", (address) => {
		expect(isPublicAddress(address)).toBe(false);
	});
});

describe("a request to a merchant's address", () => {
	it.each([
		["plain http", "http://shop.example/hook"],
		["another scheme", "ftp://shop.example/hook"],
		["no URL", "shop.example"],
		["credentials in it", "https://user:pass@shop.example/hook"],
		["loopback", "https://127.0.0.1/hook"],
		["loopback as one number", "https://2130706433/hook"],
		["loopback in hexadecimal", "https://0x7f.1/hook"],
		["loopback in IPv6", "https://[::1]/hook"],
		["a mapped address", "https://[::ffff:127.0.0.1]/hook"],
		["the cloud's metadata", "https://169.254.169.254/latest/meta-data"],
	])("is refused for %s", async (_, url) => {
		const error = await refusal(outbound().post(url, message));
		expect(error.refused).toBe(true);
	});

	it.each<[string, ResolvedAddress[]]>([
		["a private address", [{ address: "10.0.0.7", family: 4 }]],
		["loopback", [{ address: "127.0.0.1", family: 4 }]],
		[
			"a private address among public ones",
			[
				{ address: "8.8.8.8", family: 4 },
				{ address: "fd00::1", family: 6 },
			],
		],
		["nothing", []],
	])("is refused when the name resolves to %s", async (_, addresses) => {
		const error = await refusal(
			outbound({ resolve: async () => addresses }).post("https://shop.example/hook", message),
		);
		expect(error.refused).toBe(true);
	});

	it("is refused when the name does not resolve", async () => {
		const resolve = async () => {
			throw Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" });
		};
		const error = await refusal(outbound({ resolve }).post("https://shop.example/hook", message));
		expect(error).toMatchObject({ refused: true, message: "The name shop.example does not resolve." });
	});

	it("never reaches a server that a name leads to inside, and asks only once for each connection", async () => {
		let served = 0;
		const { port } = await listen((_request, response) => {
			served += 1;
			response.end();
		});
		let asked = 0;
		const resolve = async () => {
			asked += 1;
			return [{ address: "127.0.0.1", family: 4 }];
		};
		const error = await refusal(outbound({ resolve }).post(`https://rebind.example:${port}/`, message));
		expect(error).toMatchObject({ refused: true, message: "The address 127.0.0.1 is not a public one." });
		expect({ asked, served }).toEqual({ asked: 1, served: 0 });
	});

	it("connects to exactly the addresses that were checked", async () => {
		let asked = 0;
		const lookup = guardedLookup(async () => [
			{ address: asked++ === 0 ? "8.8.8.8" : "10.0.0.1", family: 4 },
			{ address: "2606:4700::1", family: 6 },
		]);
		const all = (name: string) =>
			new Promise((resolve, reject) => {
				lookup(name, { all: true }, (error, addresses) => (error ? reject(error) : resolve(addresses)));
			});
		expect(await all("shop.example")).toEqual([
			{ address: "8.8.8.8", family: 4 },
			{ address: "2606:4700::1", family: 6 },
		]);
		await expect(all("shop.example")).rejects.toThrow("10.0.0.1 is not a public one");
	});
});

describe("a request to a host that the deployment allows", () => {
	it("goes out over http, with exactly the body and headers given", async () => {
		const seen: { method?: string; url?: string; type?: string; body: string }[] = [];
		const { host } = await listen((request, response) => {
			let body = "";
			request.setEncoding("utf8").on("data", (chunk) => {
				body += chunk;
			});
			request.on("end", () => {
				seen.push({ method: request.method, url: request.url, type: request.headers["content-type"], body });
				response.writeHead(204).end();
			});
		});
		const answer = await outbound({ allowed_hosts: new Set([host]) }).post(`http://${host}/hook?x=1`, message);
		expect(answer).toMatchObject({
			status_code: 204,
			response_bytes: 0,
			retry_after_seconds: null,
			content_type: null,
		});
		expect(seen).toEqual([{ method: "POST", url: "/hook?x=1", type: "application/json", body: message.body }]);
	});

	it("is bound to the port that was allowed", async () => {
		const { host, port } = await listen((_request, response) => response.end());
		const sender = outbound({ allowed_hosts: new Set([host]) });
		expect((await refusal(sender.post(`http://127.0.0.1:${port + 1}/`, message))).refused).toBe(true);
	});

	it("does not follow a redirect", async () => {
		let served = 0;
		const { host } = await listen((_request, response) => {
			served += 1;
			response.writeHead(307, { location: `http://${host}/elsewhere` }).end("moved");
		});
		const answer = await outbound({ allowed_hosts: new Set([host]) }).post(`http://${host}/`, message);
		expect(answer).toMatchObject({ status_code: 307, response_bytes: 5, body_start: Buffer.from("moved") });
		expect(served).toBe(1);
	});

	it("reads no more than 1 KiB of an answer that does not end", async () => {
		const { host } = await listen((_request, response) => {
			response.writeHead(200);
			const flood = () => {
				while (!response.destroyed && response.write(Buffer.alloc(16_384))) {
					// until the socket is full
				}
			};
			response.on("drain", flood);
			flood();
		});
		const answer = await outbound({ allowed_hosts: new Set([host]) }).post(`http://${host}/`, message);
		expect(answer).toMatchObject({ status_code: 200, response_bytes: 1024, body_start: Buffer.alloc(1024) });
	});

	it("gives up when no answer comes in time", async () => {
		const { host } = await listen(() => {});
		const error = await refusal(
			outbound({ allowed_hosts: new Set([host]), timeout_ms: 150 }).post(`http://${host}/`, message),
		);
		expect(error).toMatchObject({ refused: false, message: "No answer within 0.15 s." });
	});

	it("gives up when the body of the answer does not come in time", async () => {
		const { host } = await listen((_request, response) => {
			response.writeHead(200).write("a");
		});
		const error = await refusal(
			outbound({ allowed_hosts: new Set([host]), timeout_ms: 150 }).post(`http://${host}/`, message),
		);
		expect(error.message).toBe("No answer within 0.15 s.");
	});

	it("says that a connection was refused or cut", async () => {
		const { host } = await listen((request) => request.socket.destroy());
		const cut = await refusal(outbound({ allowed_hosts: new Set([host]) }).post(`http://${host}/`, message));
		expect(cut).toMatchObject({ refused: false, message: "The connection was closed before an answer came." });
		const nobody = "127.0.0.1:9";
		const refused = await refusal(outbound({ allowed_hosts: new Set([nobody]) }).post(`http://${nobody}/`, message));
		expect(refused.message).toBe("The connection was refused.");
	});

	it("reports Retry-After", async () => {
		const { host } = await listen((_request, response) => response.writeHead(503, { "retry-after": "120" }).end());
		const answer = await outbound({ allowed_hosts: new Set([host]) }).post(`http://${host}/`, message);
		expect(answer).toMatchObject({ status_code: 503, retry_after_seconds: 120 });
	});
});

describe("Retry-After", () => {
	const now = new Date("2026-11-21T10:00:00Z");
	it.each<[string | string[] | undefined, number | null]>([
		["120", 120],
		["0", 0],
		["Sat, 21 Nov 2026 10:01:30 GMT", 90],
		["Sat, 21 Nov 2026 09:00:00 GMT", 0],
		[["7", "8"], 7],
		[undefined, null],
		["", null],
		["-5", null],
		["soon", null],
		["1.5", null],
	])("%j is %j seconds", (header, seconds) => {
		expect(parseRetryAfter(header, now)).toBe(seconds);
	});
});
