/** The merchant guide's examples, run as a merchant would run them. */
import { execFile, spawn, spawnSync } from "node:child_process";
import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer as createHttpServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { signedResultUrl } from "../../checkout/features/pay/signed-result.ts";
import { freePort } from "../../db/cluster.ts";
import { type Demo, type Stack, startStack } from "../stack.ts";

const ROOT = join(import.meta.dirname, "../..");
const EXAMPLES = join(ROOT, "docs/examples");
const execFileAsync = promisify(execFile);

interface Language {
	extension: string;
	command: string;
	/** Other programs that the examples call. */
	tools: string[];
}

const LANGUAGES: Record<"curl" | "node" | "python" | "php", Language> = {
	curl: { extension: "sh", command: "bash", tools: ["curl", "openssl"] },
	node: { extension: "mjs", command: process.execPath, tools: [] },
	python: { extension: "py", command: "python3", tools: [] },
	php: { extension: "php", command: "php", tools: [] },
};
const available = Object.entries(LANGUAGES).filter(([, language]) => missingPrograms(language).length === 0);
const withHandlers = available.filter(([name]) => name !== "curl");

function missingPrograms({ command, tools }: Language): string[] {
	return [command, ...tools].filter((program) => spawnSync(program, ["--version"]).error !== undefined);
}

/** On a developer's machine an interpreter may be missing; where the suite decides about a merge none may. */
it.each(Object.entries(LANGUAGES))("the %s examples can be run", (name, language) => {
	const missing = missingPrograms(language).join(" and ");
	if (process.env.CI === "true") expect(missing).toBe("");
	else if (missing !== "") console.log(`Skipped: the ${name} examples; install ${missing} to run them.`);
});

function run(
	[, { command, extension }]: [string, Language],
	name: string,
	args: string[],
	env: Record<string, string>,
) {
	const { PATH = "" } = process.env;
	return execFileAsync(command, [join(EXAMPLES, `${name}.${extension}`), ...args], {
		env: { PATH, ...env },
		timeout: 300_000,
	});
}

describe("the merchant guide", () => {
	const guide = readFileSync(join(ROOT, "docs/merchant-guide.md"), "utf8");
	const shown = new Map(
		[...guide.matchAll(/<!-- (examples\/\S+) -->\n+```\w+\n([\s\S]*?)```/g)].map(([, path, code]) => [path!, code!]),
	);

	it.each(readdirSync(EXAMPLES).map((file) => `examples/${file}`))("shows docs/%s as it is", (path) => {
		expect(shown.get(path)).toBe(readFileSync(join(ROOT, "docs", path), "utf8"));
	});

	it("gives the right signature to check one's code with", () => {
		const [, message] = /```text\n(\d+\.POST\..*)\n```/.exec(guide)!;
		const [, salt, signature] = /With the salt `(.+)` the message above signs to\s+`([0-9a-f]{64})`/.exec(guide)!;
		expect(createHmac("sha256", salt!).update(message!).digest("hex")).toBe(signature);
	});
});

describe.each(available)("payments in %s, while the service is busy", (...language) => {
	const requests: { at: number; method: string; url: string; headers: IncomingHttpHeaders; body: string }[] = [];
	const server = createHttpServer(async (request, response) => {
		let body = "";
		for await (const chunk of request) body += chunk;
		const { method = "", url = "", headers } = request;
		requests.push({ at: performance.now(), method, url, headers, body });
		if (requests.length === 1) response.writeHead(503, { "Retry-After": "1" }).end('{"error":{}}');
		else response.writeHead(200, { "Content-Type": "application/json" }).end('{"status":"created"}');
	});

	beforeAll(async () => {
		await once(server.listen(0, "127.0.0.1"), "listening");
	});

	afterAll(async () => {
		await once(server.close(), "close");
	});

	it("wait as Retry-After says, and ask for the same payment again", async () => {
		const CHECKOUT_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
		const env = { CHECKOUT_URL, CLIENT_KEY: "lsp_example", CLIENT_SALT: "example-salt" };
		const { stdout } = await run(language, "payments", ["initiate", "KB-1001", "49900"], env);
		expect(JSON.parse(stdout)).toEqual({ status: "created" });
		expect(requests).toHaveLength(2);
		expect(requests[1]!.at - requests[0]!.at).toBeGreaterThanOrEqual(950);
		expect(requests[1]!.body).toBe(requests[0]!.body);
		for (const { method, url, headers, body } of requests) {
			expect(JSON.parse(body)).toEqual({ order_id: "KB-1001", amount: 49_900, currency: "INR" });
			const message = `${headers["x-timestamp"]}.${method}.${url}.${body}`;
			expect(headers["x-signature"]).toBe(createHmac("sha256", env.CLIENT_SALT).update(message).digest("hex"));
		}
	});
});

describe.each(withHandlers)("verify-result in %s", (...language) => {
	const client_salt = randomBytes(24).toString("base64url");
	const input = {
		redirect_url: "https://books.example/return?cart=7&lang=hi",
		client_salt,
		transaction_id: randomUUID(),
		order_id: "KB-1001/a:b#c",
		status: "paid",
		amount: 49_900,
		now: new Date(),
	};
	const address = signedResultUrl(input)!;

	it("takes a result that we signed", async () => {
		const { stdout } = await run(language, "verify-result", [address], { CLIENT_SALT: client_salt });
		expect(stdout).toBe("KB-1001/a:b#c is paid\n");
	});

	it("takes a result that we signed while the salt is being changed, with the old salt and with the new one", async () => {
		const next_client_salt = randomBytes(24).toString("base64url");
		const changing = signedResultUrl({ ...input, next_client_salt })!;
		for (const CLIENT_SALT of [client_salt, next_client_salt]) {
			const { stdout } = await run(language, "verify-result", [changing], { CLIENT_SALT });
			expect(stdout).toBe("KB-1001/a:b#c is paid\n");
		}
	});

	it.each([
		["altered", address.replace("amount=49900", "amount=1")],
		["unsigned", address.replace(/signature=[0-9a-f]+/, "signature=")],
		["bare", "https://books.example/return"],
	])("refuses one that is %s", async (_, forged) => {
		const { stdout } = await run(language, "verify-result", [forged], { CLIENT_SALT: client_salt });
		expect(stdout).toBe("not genuine\n");
	});
});

describe.each(withHandlers)("receive-webhooks in %s", (...language) => {
	const secret = `whsec_${randomBytes(24).toString("base64")}`;
	let shop: Shop;

	beforeAll(async () => {
		shop = await openShop(language, secret);
	});

	afterAll(() => shop.close());

	it("acts on a genuine event once, however often it comes", async () => {
		const event = paidEvent("KB-1");
		expect(await deliver(event, sign(event, new Date()))).toBe(204);
		expect(await deliver(event, sign(event, new Date()))).toBe(204);
		expect((await shipped()).filter((order) => order === "KB-1: 49900 paise")).toHaveLength(1);
	});

	it("takes an event that is signed with the old and the new secret", async () => {
		const event = paidEvent("KB-2");
		const headers = sign(event, new Date());
		const other = new Webhook(randomBytes(24).toString("base64")).sign(event.id, new Date(), JSON.stringify(event));
		expect(await deliver(event, { ...headers, "webhook-signature": `${other} ${headers["webhook-signature"]}` })).toBe(
			204,
		);
		expect(await shipped()).toContain("KB-2: 49900 paise");
	});

	it.each(["failed", "expired"])("ships nothing on payment.%s", async (outcome) => {
		const event = { ...paidEvent(`KB-${outcome}`), type: `payment.${outcome}` };
		expect(await deliver(event, sign(event, new Date()))).toBe(204);
		expect((await shipped()).join()).not.toContain(`KB-${outcome}`);
	});

	it("refuses what we did not sign", async () => {
		const event = paidEvent("KB-forged");
		const headers = sign(event, new Date());
		const tampered = { ...event, data: { ...event.data, amount: 1 } };
		expect(await deliver(tampered, headers)).toBe(401);
		expect(await deliver(event, { ...headers, "webhook-id": randomUUID() })).toBe(401);
		expect(await deliver(event, { ...headers, "webhook-signature": "v1,bm8=" })).toBe(401);
		expect(await deliver(event, sign(event, new Date(), `whsec_${randomBytes(24).toString("base64")}`))).toBe(401);
		expect(await deliver(event, {})).toBe(401);
		expect((await shipped()).join()).not.toContain("KB-forged");
	});

	it("refuses an event that was recorded and sent again later", async () => {
		const event = paidEvent("KB-old");
		expect(await deliver(event, sign(event, new Date(Date.now() - 301_000)))).toBe(401);
		expect((await shipped()).join()).not.toContain("KB-old");
	});

	/** What the shop has printed, complete up to now: what it prints comes later than its answer. */
	async function shipped(): Promise<string[]> {
		const last = paidEvent(`KB-${randomUUID()}`);
		expect(await deliver(last, sign(last, new Date()))).toBe(204);
		await expect.poll(() => shop.output()).toContain(last.data.order_id);
		return [...shop.output().matchAll(/ship (.*)/g)].map(([, order]) => order!);
	}

	function paidEvent(order_id: string) {
		const data = { transaction_id: randomUUID(), order_id, status: "paid", amount: 49_900, currency: "INR" };
		return { id: randomUUID(), type: "payment.paid", timestamp: new Date().toISOString(), data };
	}

	function sign(event: { id: string }, at: Date, key = secret): Record<string, string> {
		return {
			"webhook-id": event.id,
			"webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
			"webhook-signature": new Webhook(key).sign(event.id, at, JSON.stringify(event)),
		};
	}

	function deliver(event: object, headers: Record<string, string>): Promise<number> {
		return shop.deliver(JSON.stringify(event), headers);
	}
});

describe("with the whole system", () => {
	let stack: Stack;
	let merchant: Demo["merchants"][number];

	beforeAll(async () => {
		stack = await startStack();
		merchant = stack.demo.merchants.find(({ name }) => name === "Kaveri Books")!;
	});

	afterAll(() => stack?.stop());

	it.each(available)(
		"payments in %s take a payment once, see it paid, and give part of it back once",
		async (...language) => {
			const order_id = `KB-${language[0]}-${randomUUID()}`;
			const call = async (...args: string[]) => {
				const { stdout } = await run(language, "payments", args, {
					CHECKOUT_URL: stack.demo.checkout_url,
					CLIENT_KEY: merchant.client_key,
					CLIENT_SALT: merchant.client_salt,
				});
				return JSON.parse(stdout);
			};

			const first = await call("initiate", order_id, "49900");
			expect(first).toMatchObject({ order_id, amount: 49_900, currency: "INR", status: "created" });
			expect(first.checkout_url).toContain(`/pay/${first.transaction_id}?token=${first.status_token}`);
			expect((await fetch(first.checkout_url)).status).toBe(200);

			const { transaction_id, checkout_url } = first;
			expect(await call("initiate", order_id, "49900")).toMatchObject({ transaction_id, checkout_url, replayed: true });
			const refusal = await call("initiate", order_id, "100").catch((error) => error);
			expect(refusal.code).toBeGreaterThan(0);
			expect(refusal.stdout + refusal.stderr).toContain("order_id_conflict");

			await payAtSandbox(order_id);
			await expect
				.poll(() => call("status", transaction_id))
				.toMatchObject({ transaction_id, order_id, status: "paid", amount: 49_900, method: "upi", amount_refunded: 0 });
			await receivedWebhook(order_id);

			const refund = await call("refund", transaction_id, "19900", `return-${order_id}`);
			expect(refund).toMatchObject({ transaction_id, order_id, amount: 19_900, kind: "requested" });
			const again = await call("refund", transaction_id, "19900", `return-${order_id}`);
			expect(again).toMatchObject({ refund_id: refund.refund_id, replayed: true });
			const too_much = await call("refund", transaction_id, "49900", randomUUID()).catch((error) => error);
			expect(too_much.stdout + too_much.stderr).toContain("refund_exceeds_amount");
			await expect
				.poll(() => call("status", transaction_id))
				.toMatchObject({ status: "partially_refunded", amount_refunded: 19_900 });
			await receivedWebhook(order_id, "refund.succeeded");
		},
	);

	it("receive-webhooks take the very bytes that we send", async () => {
		const order_id = `KB-${randomUUID()}`;
		await run(available[0]!, "payments", ["initiate", order_id, "49900"], {
			CHECKOUT_URL: stack.demo.checkout_url,
			CLIENT_KEY: merchant.client_key,
			CLIENT_SALT: merchant.client_salt,
		});
		await payAtSandbox(order_id);
		const { raw, headers } = await receivedWebhook(order_id);
		for (const language of withHandlers) {
			const shop = await openShop(language, merchant.webhook_secret);
			try {
				expect(await shop.deliver(raw, headers)).toBe(204);
				await expect.poll(() => shop.output()).toContain(`ship ${order_id}: 49900 paise`);
			} finally {
				await shop.close();
			}
		}
	});

	/** The payer, as the guide's last section plays it; the order is there once a worker has made it. */
	async function payAtSandbox(order: string): Promise<void> {
		const pay = async () => {
			const response = await fetch(`${stack.demo.sandbox_url}/_control/pay`, {
				method: "POST",
				headers: { "content-type": "application/json" },
				body: JSON.stringify({ provider: "razorpay", order, outcome: "success" }),
			});
			return response.status;
		};
		await expect.poll(pay).toBe(200);
	}

	async function receivedWebhook(order_id: string, type = "payment.paid"): Promise<ReceivedEvent> {
		const find = async () => {
			const response = await fetch(`${stack.demo.sandbox_url}/_control/merchant/events?type=${type}`);
			const events = (await response.json()) as ReceivedEvent[];
			return events.find((event) => event.body.data.order_id === order_id);
		};
		await expect.poll(find).toMatchObject({ verified: true });
		return (await find())!;
	}
});

/** As the sandbox's merchant lists it. */
interface ReceivedEvent {
	body: { data: { order_id: string } };
	verified: boolean;
	raw: string;
	headers: Record<string, string>;
}

interface Shop {
	output(): string;
	deliver(body: string, headers: Record<string, string>): Promise<number>;
	close(): Promise<void>;
}

/** Runs receive-webhooks. */
async function openShop([name, { command, extension }]: [string, Language], secret: string): Promise<Shop> {
	const port = await freePort();
	const file = join(EXAMPLES, `receive-webhooks.${extension}`);
	const { PATH = "" } = process.env;
	const shop = spawn(command, name === "php" ? ["-S", `127.0.0.1:${port}`, file] : [file], {
		env: { PATH, PORT: String(port), WEBHOOK_SECRET: secret },
		stdio: ["ignore", "pipe", "pipe"],
	});
	let output = "";
	for (const stream of [shop.stdout, shop.stderr]) stream.on("data", (data) => (output += data));
	await untilListening(port);
	return {
		output: () => output,
		async deliver(body, headers) {
			const response = await fetch(`http://127.0.0.1:${port}/`, {
				method: "POST",
				headers: { "content-type": "application/json", ...headers },
				body,
			});
			await response.text();
			return response.status;
		},
		async close() {
			shop.kill();
			if (shop.exitCode === null && shop.signalCode === null) await once(shop, "exit");
		},
	};
}

async function untilListening(port: number): Promise<void> {
	for (const deadline = Date.now() + 180_000; Date.now() < deadline; await sleep(50)) {
		const answer = await fetch(`http://127.0.0.1:${port}/`, { method: "POST" }).catch(() => null);
		if (answer !== null) return;
	}
	throw new Error(`Nothing listens on port ${port}.`);
}
