import { EventEmitter } from "node:events";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Queryable } from "../../../db/client/call.ts";
import type { TransactionRecord } from "../../../db/client/payments.ts";
import type { DatabaseListener } from "../../database-listener.ts";
import { StatusHub } from "./hub.ts";

const ID = "0199f3a2-5b1c-7d4e-8f60-1a2b3c4d5e6f";

let listener: EventEmitter;
let answers: (TransactionRecord | Error)[];
let reads: number;
let seen: number[];
let errors: unknown[];
let hub: StatusHub;

beforeEach(() => {
	vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
	listener = new EventEmitter();
	[answers, reads, seen, errors] = [[], 0, [], []];
	const database = {
		query: async () => {
			reads++;
			const answer = answers.shift() ?? new Error("nothing more to answer");
			if (answer instanceof Error) throw answer;
			return { rows: [{ value: answer }] };
		},
	} as unknown as Queryable;
	hub = new StatusHub(database, listener as DatabaseListener, (error) => errors.push(error));
});
afterEach(() => vi.useRealTimers());

const follow = () => hub.subscribe(ID, { changed: ({ version }) => seen.push(version), ending: () => {} });
const state = (version: number) => ({ version }) as TransactionRecord;
const settled = () => new Promise((resolve) => setImmediate(resolve));
async function pass(milliseconds: number): Promise<void> {
	vi.advanceTimersByTime(milliseconds);
	await settled();
}

describe("a read that failed", () => {
	it("is made again after a second, until it succeeds, so that an announcement is not lost", async () => {
		follow();
		answers = [new Error("lost"), new Error("lost again"), state(2)];
		listener.emit("transaction_status", ID);
		await settled();
		expect([errors.length, seen]).toEqual([1, []]);
		await pass(999);
		expect(reads).toBe(1);
		await pass(1);
		expect([errors.length, seen]).toEqual([2, []]);
		await pass(1000);
		expect(seen).toEqual([2]);
		await pass(10_000);
		expect(reads).toBe(3);
	});

	it("is made again once, however many announcements failed meanwhile", async () => {
		follow();
		answers = [new Error("lost"), new Error("lost"), new Error("lost"), state(4)];
		for (let i = 0; i < 3; i++) {
			listener.emit("transaction_status", ID);
			await settled();
		}
		await pass(1000);
		expect([reads, seen]).toEqual([4, [4]]);
	});

	it("is not made again when nobody waits for it any more", async () => {
		const unsubscribe = follow();
		answers = [new Error("lost")];
		listener.emit("transaction_status", ID);
		await settled();
		unsubscribe();
		await pass(1000);
		expect([reads, vi.getTimerCount()]).toEqual([1, 0]);
	});
});
