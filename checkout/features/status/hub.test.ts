import { EventEmitter } from "node:events";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Queryable } from "../../../db/client/call.ts";
import type { TransactionRecord } from "../../../db/client/payments.ts";
import type { DatabaseListener } from "../../database-listener.ts";
import { StatusHub } from "./hub.ts";

const ID = "0199f3a2-5b1c-7d4e-8f60-1a2b3c4d5e6f";

let listener: EventEmitter;
let answers: (TransactionRecord | Error)[];
/** How many transactions each asked for. */
let reads: number[];
let seen: number[];
let errors: unknown[];
let hub: StatusHub;

beforeEach(() => {
	vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
	listener = new EventEmitter();
	[answers, reads, seen, errors] = [[], [], [], []];
	const database = {
		query: async ({ values: [ids] }: { values: [string[]] }) => {
			reads.push(ids.length);
			const answer = answers.shift() ?? new Error("nothing more to answer");
			if (answer instanceof Error) throw answer;
			return { rows: ids.map(() => ({ value: answer })) };
		},
	} as unknown as Queryable;
	hub = new StatusHub(database, listener as DatabaseListener, (error) => errors.push(error));
});
afterEach(() => vi.useRealTimers());

const follow = (id = ID) => hub.subscribe(id, { changed: ({ version }) => seen.push(version), ending: () => {} });
const state = (version: number) => ({ version }) as TransactionRecord;
const settled = () => new Promise((resolve) => setImmediate(resolve));
async function pass(milliseconds: number): Promise<void> {
	vi.advanceTimersByTime(milliseconds);
	await settled();
}

describe("reads", () => {
	it("of one moment share a round trip, whether something changed or a stream is opened", async () => {
		const ids = Array.from({ length: 40 }, (_, i) => ID.slice(0, -2) + String(10 + i));
		for (const id of ids) follow(id);
		answers = [state(2), state(3)];
		listener.emit("connected");
		const opened = hub.read(ID);
		await settled();
		expect([reads, seen.length]).toEqual([[41], 40]);
		expect(await opened).toEqual(state(2));
	});

	it("are made once more, and only once, for what is announced while one is under way", async () => {
		follow();
		answers = [state(2), state(3)];
		for (let i = 0; i < 5; i++) listener.emit("transaction_status", ID);
		await settled();
		await settled();
		expect([reads, seen]).toEqual([
			[1, 1],
			[2, 3],
		]);
	});
});

describe("a read that failed", () => {
	it("is made again after a second, until it succeeds, so that an announcement is not lost", async () => {
		follow();
		answers = [new Error("lost"), new Error("lost again"), state(2)];
		listener.emit("transaction_status", ID);
		await settled();
		expect([errors.length, seen]).toEqual([1, []]);
		await pass(999);
		expect(reads).toHaveLength(1);
		await pass(1);
		expect([errors.length, seen]).toEqual([2, []]);
		await pass(1000);
		expect(seen).toEqual([2]);
		await pass(10_000);
		expect(reads).toHaveLength(3);
	});

	it("is made again once, however many announcements failed meanwhile", async () => {
		follow();
		answers = [new Error("lost"), new Error("lost"), new Error("lost"), state(4)];
		for (let i = 0; i < 3; i++) {
			listener.emit("transaction_status", ID);
			await settled();
		}
		await pass(1000);
		expect([reads.length, seen]).toEqual([4, [4]]);
	});

	it("is not made again when nobody waits for it any more", async () => {
		const unsubscribe = follow();
		answers = [new Error("lost")];
		listener.emit("transaction_status", ID);
		await settled();
		unsubscribe();
		await pass(10_000);
		expect([reads.length, vi.getTimerCount()]).toEqual([1, 0]);
	});
});
