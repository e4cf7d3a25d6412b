import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Request, Router, Studio } from "./context.ts";
import { addLive, addRoute, type LiveOptions, ROUTES } from "./routes.ts";

const POLICY = "b0000000-0000-4000-8000-00000000ffff";

/** What the rights in the database say of a person. */
let rights: { policies: string[]; sessions: string[] };
let server: Server;
let url: string;
let readings: number;
let read: () => unknown;
const open: AbortController[] = [];

const studio = {
	database: {
		async raw(sql: string, values: unknown[]) {
			if (sql.includes("studio_rights"))
				return { rows: [{ status: "active", is_ended: false, lacks_second_factor: false }] };
			const holds = sql.includes("directus_sessions")
				? rights.sessions.includes(values[0] as string)
				: (values[2] as string[]).some((each) => rights.policies.includes(each));
			return { rows: holds ? [{}] : [] };
		},
	},
	services: {},
} as unknown as Studio;

async function serve(options: Partial<LiveOptions> = {}): Promise<void> {
	const app = express();
	app.use((req, _res, next) => {
		const user = req.header("x-user");
		Object.assign(req, { accountability: user ? { user, session: req.header("x-session") ?? null } : null });
		next();
	});
	const router = app as unknown as Router;
	addLive(router, studio, {
		path: "/numbers",
		who: [POLICY],
		everyMs: 20,
		read: async () => {
			readings++;
			return read();
		},
		...options,
	});
	addRoute(router, studio, {
		method: "patch",
		path: "/numbers/:no",
		who: [POLICY],
		answer: async (req, actor) => ({ no: req.params.no, actor }),
	});
	app.use((error: { status?: number }, _req: unknown, res: express.Response, _next: unknown) => {
		res.status(error.status ?? 500).json({});
	});
	server = createServer({ keepAliveTimeout: 600_000 }, app).listen(0, "127.0.0.1");
	await new Promise((resolve) => server.once("listening", resolve));
	url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Stream {
	status: number;
	/** The next event, or null when the stream has ended. */
	next(): Promise<{ event: string; data: unknown } | null>;
	close(): void;
}

async function listen(user: string, path = "/numbers", session = ""): Promise<Stream> {
	const controller = new AbortController();
	open.push(controller);
	const headers = { accept: "text/event-stream", "x-user": user, ...(session && { "x-session": session }) };
	const response = await fetch(url + path, { headers, signal: controller.signal });
	const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
	let text = "";
	return {
		status: response.status,
		async next() {
			for (;;) {
				while (!text.includes("\n\n")) {
					const { value, done } = await reader.read();
					if (done) return null;
					text += value;
				}
				const [block] = text.split("\n\n", 1);
				text = text.slice(block!.length + 2);
				const [, event, data] = /^event: (.*)\ndata: (.*)$/.exec(block!)!;
				if (event !== "beat") return { event: event!, data: JSON.parse(data!) };
			}
		},
		close: () => controller.abort(),
	};
}

beforeEach(() => {
	rights = { policies: [POLICY], sessions: ["s1"] };
	readings = 0;
	read = () => ({ n: 1 });
});
afterEach(async () => {
	vi.useRealTimers();
	for (const each of open.splice(0)) each.abort();
	await new Promise((resolve) => {
		server.close(resolve);
		server.closeAllConnections();
	});
});

describe("a route", () => {
	it("answers who holds the policy, refuses everybody else, and is on the list", async () => {
		await serve();
		const patch = (user: string) =>
			fetch(`${url}/numbers/7`, { method: "PATCH", headers: user ? { "x-user": user } : {} });
		const answer = await patch("asha");
		expect([answer.status, await answer.json()]).toEqual([200, { data: { no: "7", actor: "asha" } }]);
		expect(answer.headers.get("cache-control")).toBe("no-store");
		rights.policies = [];
		expect((await patch("asha")).status).toBe(403);
		expect((await patch("")).status).toBe(403);
		expect(ROUTES).toContainEqual({ method: "patch", path: "/numbers/:no", who: [POLICY], live: false });
		expect(ROUTES).toContainEqual({ method: "get", path: "/numbers", who: [POLICY], live: true });
	});
});

describe("a live answer", () => {
	it("comes once as JSON, and as a stream at once and whenever it has changed", async () => {
		await serve();
		const once = await fetch(`${url}/numbers`, { headers: { "x-user": "asha" } });
		expect(await once.json()).toEqual({ data: { n: 1 } });
		const stream = await listen("asha");
		expect(await stream.next()).toEqual({ event: "data", data: { n: 1 } });
		const before = readings;
		await expect.poll(() => readings).toBeGreaterThan(before + 2);
		read = () => ({ n: 2 });
		// Nothing was sent while nothing changed.
		expect(await stream.next()).toEqual({ event: "data", data: { n: 2 } });
	});

	it("is read once for all who watch the same, and not at all for nobody", async () => {
		await serve();
		const watchers = await Promise.all(["asha", "ravi", "meera"].map((user) => listen(user)));
		for (const each of watchers) expect(await each.next()).toEqual({ event: "data", data: { n: 1 } });
		const answers: PromiseWithResolvers<unknown>[] = [];
		read = () => {
			const answer = Promise.withResolvers<unknown>();
			answers.push(answer);
			return answer.promise;
		};
		await expect.poll(() => answers.length).toBe(1);
		answers[0]!.resolve({ n: 2 });
		for (const each of watchers) expect(await each.next()).toEqual({ event: "data", data: { n: 2 } });
		await expect.poll(() => answers.length).toBe(2);
		for (const each of watchers) each.close();
		const connections = () => new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
		await expect.poll(connections).toBe(0);
		vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
		answers[1]!.resolve({ n: 3 });
		await new Promise((resolve) => setImmediate(resolve));
		await vi.advanceTimersByTimeAsync(10_000);
		expect(answers).toHaveLength(2);
	});

	it("is a person's own where it is read with the person's rights", async () => {
		await serve({ who: "reader", read: async (_req: Request, actor: string) => ({ of: actor }) });
		for (const user of ["asha", "ravi"]) {
			expect(await (await listen(user)).next()).toEqual({ event: "data", data: { of: user } });
		}
	});

	it("shows each view its own, and ends when another view is due", async () => {
		vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
		let shown = "all";
		await serve({ view: async () => shown, read: async (_req: Request, _actor: string, view: string) => ({ view }) });
		const stream = await listen("asha");
		expect(await stream.next()).toEqual({ event: "data", data: { view: "all" } });
		shown = "less";
		await vi.advanceTimersByTimeAsync(10_000);
		expect(await stream.next()).toBeNull();
		expect(await (await listen("asha")).next()).toEqual({ event: "data", data: { view: "less" } });
	});

	it.each([
		["the right is taken away", () => (rights.policies = [])],
		["the session is ended", () => (rights.sessions = [])],
	])("ends when %s", async (_name, take) => {
		vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
		await serve();
		const stream = await listen("asha", "/numbers", "s1");
		expect(await stream.next()).toEqual({ event: "data", data: { n: 1 } });
		await vi.advanceTimersByTimeAsync(10_000);
		take();
		await vi.advanceTimersByTimeAsync(10_000);
		expect(await stream.next()).toBeNull();
		if (rights.policies.length === 0) expect((await listen("asha")).status).toBe(403);
	});

	it("outlives a database that is away, says so, and goes on", async () => {
		await serve();
		const stream = await listen("asha");
		expect(await stream.next()).toEqual({ event: "data", data: { n: 1 } });
		read = () => {
			throw new Error("connect ECONNREFUSED");
		};
		// What went wrong inside is nobody's business.
		expect(await stream.next()).toEqual({ event: "problem", data: { message: null } });
		read = () => ({ n: 3 });
		for (;;) {
			const next = await stream.next();
			if (next?.event === "problem") continue;
			expect(next).toEqual({ event: "data", data: { n: 3 } });
			break;
		}
	});

	it("refuses a stream with the status of the first reading's refusal", async () => {
		await serve({
			read: async () => {
				throw Object.assign(new Error("no such thing"), { status: 403 });
			},
		});
		expect((await listen("asha")).status).toBe(403);
	});

	it("takes thirty streams of one person and no more", async () => {
		await serve();
		for (let no = 0; no < 30; no++) await (await listen("asha")).next();
		expect((await listen("asha")).status).toBe(429);
		expect((await listen("ravi")).status).toBe(200);
	});
});
