import { afterEach, describe, expect, it, vi } from "vitest";
import { Batcher, type BatcherOptions, togetherOrAlone } from "./batcher.ts";
import { DomainError } from "./errors.ts";

/** A batcher whose calls are answered by hand. */
function batcher(options: Partial<BatcherOptions<number, string>> = {}) {
	const calls: { requests: number[]; answer: (results?: string[]) => void; fail: (error: Error) => void }[] = [];
	const onShed = vi.fn();
	const made = new Batcher<number, string>({
		run: (requests) =>
			new Promise((resolve, reject) => {
				const answer = (results = requests.map(String)) => resolve(results);
				calls.push({ requests, answer, fail: reject });
			}),
		batches_at_once: 1,
		most_in_batch: 100,
		most_waiting: 1000,
		timeout_ms: 10_000,
		onShed,
		...options,
	});
	return { batcher: made, calls, onShed };
}

afterEach(() => vi.useRealTimers());

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("Batcher", () => {
	it("sends a lone request in the same turn of the event loop", async () => {
		const { batcher: it, calls } = batcher();
		const result = it.submit(1);
		await turn();
		expect(calls[0]?.requests).toEqual([1]);
		calls[0]?.answer();
		expect(await result).toBe("1");
	});

	it("puts the requests of one turn into one call and gives each its own answer", async () => {
		const { batcher: it, calls } = batcher();
		const results = [1, 2, 3].map((request) => it.submit(request));
		await turn();
		expect(calls.map(({ requests }) => requests)).toEqual([[1, 2, 3]]);
		calls[0]?.answer(["one", "two", "three"]);
		expect(await Promise.all(results)).toEqual(["one", "two", "three"]);
	});

	it("gathers what arrives while all calls are taken, and sends it when one is free", async () => {
		const { batcher: it, calls } = batcher({ batches_at_once: 2 });
		const results = [];
		for (const request of [1, 2, 3, 4]) {
			results.push(it.submit(request));
			await turn();
		}
		expect(calls.map(({ requests }) => requests)).toEqual([[1], [2]]);
		calls[1]?.answer();
		await results[1];
		await turn();
		expect(calls[2]?.requests).toEqual([3, 4]);
		calls[0]?.answer();
		calls[2]?.answer();
		expect(await Promise.all(results)).toEqual(["1", "2", "3", "4"]);
	});

	it("lets those that come soon after a call gather, and sends a handful, or one after a pause, at once", async () => {
		vi.useFakeTimers({ toFake: ["setTimeout", "performance"] });
		const { batcher: it, calls } = batcher({ batches_at_once: 3, most_in_batch: 2, apart_ms: 25 });
		const results = [it.submit(1)];
		await turn();
		results.push(it.submit(2));
		await turn();
		vi.advanceTimersByTime(24);
		expect(calls.map(({ requests }) => requests)).toEqual([[1]]);
		vi.advanceTimersByTime(1);
		expect(calls.map(({ requests }) => requests)).toEqual([[1], [2]]);
		results.push(it.submit(3), it.submit(4));
		await turn();
		expect(calls.map(({ requests }) => requests)).toEqual([[1], [2], [3, 4]]);
		for (const { answer } of calls.splice(0)) answer();
		await Promise.all(results);
		vi.advanceTimersByTime(25);
		results.push(it.submit(5));
		await turn();
		expect(calls.map(({ requests }) => requests)).toEqual([[5]]);
		calls[0]?.answer();
		expect(await Promise.all(results)).toEqual(["1", "2", "3", "4", "5"]);
	});

	it("waits for nobody when all who may ask have asked", async () => {
		vi.useFakeTimers({ toFake: ["setTimeout", "performance"] });
		const { batcher: it, calls } = batcher({ batches_at_once: 3, apart_ms: 25, callers: () => 4 });
		const results = [it.submit(1)];
		await turn();
		results.push(it.submit(2), it.submit(3));
		await turn();
		expect(calls.map(({ requests }) => requests)).toEqual([[1]]);
		results.push(it.submit(4));
		await turn();
		expect(calls.map(({ requests }) => requests)).toEqual([[1], [2, 3, 4]]);
		for (const { answer } of calls) answer();
		expect(await Promise.all(results)).toEqual(["1", "2", "3", "4"]);
	});

	it("splits what has gathered into calls of bounded size", async () => {
		const { batcher: it, calls } = batcher({ batches_at_once: 3, most_in_batch: 2 });
		const results = [1, 2, 3, 4, 5].map((request) => it.submit(request));
		await turn();
		expect(calls.map(({ requests }) => requests)).toEqual([[1, 2], [3, 4], [5]]);
		for (const { answer } of calls) answer();
		expect(await Promise.all(results)).toHaveLength(5);
	});

	it("refuses at once, with the time to come back, when too many wait; and takes requests again after", async () => {
		const { batcher: it, calls, onShed } = batcher({ most_waiting: 2 });
		const first = it.submit(1);
		await turn();
		const waiting = [it.submit(2), it.submit(3)];
		const refusal = await it.submit(4).catch((error) => error);
		expect(refusal).toBeInstanceOf(DomainError);
		expect(refusal).toMatchObject({ code: "service_unavailable", retry_after_seconds: 1 });
		expect(onShed.mock.calls).toEqual([["full"]]);
		calls[0]?.answer();
		await first;
		await turn();
		const later = it.submit(5);
		calls[1]?.answer();
		await Promise.all(waiting);
		await turn();
		calls[2]?.answer();
		expect(await later).toBe("5");
	});

	it("starts a call beside one that runs only for enough requests", async () => {
		const { batcher: it, calls } = batcher({ batches_at_once: 2, least_beside: 3 });
		const first = it.submit(1);
		await turn();
		const second = [it.submit(2), it.submit(3)];
		await turn();
		expect(calls).toHaveLength(1);
		second.push(it.submit(4));
		await turn();
		expect(calls.map(({ requests }) => requests)).toEqual([[1], [2, 3, 4]]);
		const last = it.submit(5);
		await turn();
		for (const { answer } of calls) answer();
		await Promise.all([first, ...second]);
		await turn();
		expect(calls[2]?.requests).toEqual([5]);
		calls[2]?.answer();
		expect(await last).toBe("5");
	});

	it("refuses what would wait too long as calls take now, and takes requests again when they are fast", async () => {
		vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
		const { batcher: it, calls, onShed } = batcher({ most_in_batch: 2, longest_wait_ms: 100 });
		const slow = it.submit(1);
		await turn();
		vi.advanceTimersByTime(60);
		const waiting = [it.submit(2), it.submit(3)];
		expect(await it.submit(4).catch((error) => error)).toMatchObject({ code: "service_unavailable" });
		expect(onShed.mock.calls).toEqual([["full"]]);
		calls[0]?.answer();
		await slow;
		await turn();
		for (let call = 1; call < 10; call++) {
			calls[call]?.answer();
			await Promise.all(waiting);
			waiting.splice(0, 2, it.submit(call), it.submit(call));
			await turn();
		}
		const taken = it.submit(11);
		calls[10]?.answer();
		await turn();
		calls[11]?.answer();
		expect(await taken).toBe("11");
	});

	it("gives up on requests that waited too long, and never sends those that were not sent", async () => {
		vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
		const { batcher: it, calls, onShed } = batcher({ timeout_ms: 30 });
		const sent = it.submit(1).catch((error) => error);
		await turn();
		const unsent = it.submit(2).catch((error) => error);
		vi.advanceTimersByTime(30);
		expect(await sent).toMatchObject({ code: "service_unavailable" });
		expect(await unsent).toMatchObject({ code: "service_unavailable" });
		expect(onShed.mock.calls).toEqual([["timed_out"], ["timed_out"]]);
		calls[0]?.answer();
		await turn();
		await turn();
		expect(calls).toHaveLength(1);
		const next = it.submit(3);
		await turn();
		calls[1]?.answer();
		expect(await next).toBe("3");
	});

	it("fails a request alone whose answer is an error", async () => {
		const results = new Batcher<number, string>({
			run: async (requests) => requests.map((request) => (request === 2 ? new Error("two") : String(request))),
			batches_at_once: 1,
			most_in_batch: 100,
			most_waiting: 1000,
			timeout_ms: 10_000,
		});
		const answers = await Promise.allSettled([1, 2, 3].map((request) => results.submit(request)));
		expect(answers).toEqual([
			{ status: "fulfilled", value: "1" },
			{ status: "rejected", reason: new Error("two") },
			{ status: "fulfilled", value: "3" },
		]);
	});

	it("tells every request of a failed call, and goes on", async () => {
		const { batcher: it, calls } = batcher();
		const results = [1, 2].map((request) => it.submit(request).catch((error: Error) => error.message));
		await turn();
		calls[0]?.fail(new Error("broken"));
		expect(await Promise.all(results)).toEqual(["broken", "broken"]);
		const next = it.submit(3);
		await turn();
		calls[1]?.answer();
		expect(await next).toBe("3");
	});
});

describe("togetherOrAlone", () => {
	it("runs each alone after all together failed, and fails only those that fail alone", async () => {
		const calls: number[][] = [];
		const run = async (requests: number[]) => {
			calls.push(requests);
			if (requests.includes(2)) throw new Error("two");
			return requests.map(String);
		};
		const failures: unknown[] = [];
		const results = await togetherOrAlone([1, 2, 3], run, (error) => failures.push(error));
		expect(results).toEqual(["1", new Error("two"), "3"]);
		expect(calls).toEqual([[1, 2, 3], [1], [2], [3]]);
		expect(failures).toEqual([new Error("two")]);
	});

	it("throws what a lone one failed with", async () => {
		await expect(togetherOrAlone([1], () => Promise.reject(new Error("one")), vi.fn())).rejects.toThrow("one");
	});
});
