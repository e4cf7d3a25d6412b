import { EventEmitter } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Pool } from "pg";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { lanesFor } from "./task-list.ts";
import { type LaneHearing, WakeUpCall } from "./wake-up-call.ts";

it("knows every lane that SQL names", () => {
	const functions = join(import.meta.dirname, "../db/functions");
	const named = readdirSync(functions).flatMap((file) =>
		[...readFileSync(join(functions, file), "utf8").matchAll(/'job_lane', '([^']*)'/g)].map(([, name]) => name),
	);
	const lanes = lanesFor(new Set(["default"])).map(({ name }) => name);
	expect(named).toContain("orders");
	expect(named.filter((name) => !lanes.includes(name!))).toEqual([]);
});

describe("a lane", () => {
	class Client extends EventEmitter {
		query = () => Promise.resolve();
		release = vi.fn();
	}
	let clients: Client[];
	let call: WakeUpCall;
	beforeEach(() => {
		vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
		clients = [];
		const connect = async () => {
			clients.push(new Client());
			return clients.at(-1);
		};
		call = new WakeUpCall({ connect, query: () => Promise.resolve() } as unknown as Pool);
	});
	afterEach(() => {
		vi.useRealTimers();
	});

	/** Counts how often the lane was told to look for jobs. */
	async function listenAs(lane: LaneHearing) {
		const joined = Promise.withResolvers<{ listener: EventEmitter; leave: () => void }>();
		const connect = call.poolFor(lane).connect as unknown as (
			callback: (error: unknown, listener: EventEmitter, leave: () => void) => void,
		) => void;
		connect((_, listener, leave) => joined.resolve({ listener, leave }));
		const { listener, leave } = await joined.promise;
		const told = { times: 0, lost: 0, leave };
		listener.on("notification", () => {
			told.times += 1;
		});
		listener.on("error", () => {
			told.lost += 1;
		});
		return told;
	}

	const added = (lane: string | null) => {
		const [client] = clients;
		if (lane !== null) client!.emit("notification", { channel: "job_lane", payload: lane });
		client!.emit("notification", { channel: "jobs:insert", payload: '{"count":1}' });
	};

	it("is told at once of each of its own jobs where it is never quiet, and of others' once a second", async () => {
		const orders = await listenAs({ name: "orders", quiet_ms: 0 });
		added("orders");
		added("orders");
		expect(orders.times).toBe(2);
		for (let n = 0; n < 10; n++) added("events");
		vi.advanceTimersByTime(999);
		expect(orders.times).toBe(2);
		vi.advanceTimersByTime(1);
		expect(orders.times).toBe(3);
		vi.advanceTimersByTime(10_000);
		expect(orders.times).toBe(3);
	});

	it("is told of the first of its own jobs at once, and of those that come soon after together", async () => {
		const events = await listenAs({ name: "events", quiet_ms: 100 });
		added("orders");
		expect(events.times).toBe(1);
		added("orders");
		vi.advanceTimersByTime(50);
		// Sooner than of others'.
		for (let n = 0; n < 10; n++) added("events");
		expect(events.times).toBe(1);
		vi.advanceTimersByTime(50);
		expect(events.times).toBe(2);
		vi.advanceTimersByTime(100);
		added("events");
		expect(events.times).toBe(3);
	});

	it("shares one connection with the others, is told when it is lost, and has it closed by the last to go", async () => {
		const lanes = [await listenAs({ name: "orders", quiet_ms: 0 }), await listenAs({ name: "refunds" })];
		expect(clients).toHaveLength(1);
		clients[0]!.emit("error", new Error("terminated"));
		expect(lanes.map(({ lost }) => lost)).toEqual([1, 1]);
		const again = [await listenAs({ name: "orders", quiet_ms: 0 }), await listenAs({ name: "refunds" })];
		expect(clients).toHaveLength(2);
		again[0]!.leave();
		expect(clients[1]!.release).not.toHaveBeenCalled();
		again[1]!.leave();
		await expect.poll(() => clients[1]!.release.mock.calls.length).toBe(1);
	});
});
