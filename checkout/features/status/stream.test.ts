import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { TransactionRecord } from "../../../db/client/payments.ts";
import type { DatabaseClock } from "../../database-clock.ts";
import type { EventConnection } from "./event-connection.ts";
import { beatStreams, StatusStream } from "./stream.ts";

beforeEach(() => {
	vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});
afterEach(() => {
	vi.useRealTimers();
});

const clock = { now: () => 0 } as DatabaseClock;
const record = { version: 1, view: { status: "pending" } } as TransactionRecord;

function openStream() {
	const connection = { unread: 0, destroyed: false, written: [] as string[] };
	const stream = new StatusStream(clock, 0);
	stream.open(
		Object.assign(connection, {
			write: (text: string) => connection.written.push(text),
			destroy: () => {
				connection.destroyed = true;
			},
		}) as unknown as EventConnection,
		record,
	);
	connection.written = [];
	return { stream, connection };
}

describe("heartbeats", () => {
	it("come to every stream within 15 seconds, spread over them", () => {
		const streams = beatStreams();
		const opened = Array.from({ length: 3_000 }, openStream);
		for (const { stream } of opened) streams.add(stream);
		const beaten = () => opened.reduce((sum, { connection }) => sum + connection.written.length, 0);
		const at_once: number[] = [];
		for (let i = 0, before = 0; i < 300; i++) {
			vi.advanceTimersByTime(50);
			at_once.push(beaten() - before);
			before = beaten();
		}
		expect(new Set(at_once)).toEqual(new Set([10]));
		expect(opened.every(({ connection }) => connection.written.join() === ": heartbeat\n\n")).toBe(true);
	});

	it("reach those that stay while others come and go", () => {
		const streams = beatStreams();
		const staying = openStream();
		streams.add(staying.stream);
		for (let second = 0; second < 15; second++) {
			const passing = Array.from({ length: 50 }, openStream);
			for (const { stream } of passing) streams.add(stream);
			vi.advanceTimersByTime(1_000);
			for (const { stream } of passing) streams.delete(stream);
		}
		vi.advanceTimersByTime(15_000);
		expect(staying.connection.written.length).toBeGreaterThanOrEqual(1);
	});
});

it("a reader that has left 64 KB unread is cut off, by a heartbeat or by news", () => {
	for (const tell of [
		(stream: StatusStream) => stream.beat(),
		(stream: StatusStream) => stream.changed({ ...record, version: 2 }),
	]) {
		const { stream, connection } = openStream();
		tell(stream);
		expect(connection.destroyed).toBe(false);
		connection.unread = 64 * 1024 + 1;
		stream.beat();
		expect([connection.destroyed, connection.written.length]).toEqual([true, 1]);
	}
});
