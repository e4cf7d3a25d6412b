import { pino } from "pino";
import { expect, test } from "vitest";
import { NamedLog } from "./log.ts";

test("a named log's lines carry all ids, the newest where they meet, and lines below the level make no log", () => {
	const lines: Record<string, unknown>[] = [];
	const root = pino({ level: "info", base: null, timestamp: false }, { write: (line) => lines.push(JSON.parse(line)) });
	let children = 0;
	root.onChild = () => children++;

	const log = new NamedLog(root, { task: "deliver_webhook", event_id: "first" });
	const named = log.child({ event_id: "second" });
	named.debug({ status: "delivered" }, "not written");
	expect(children).toBe(0);

	named.info({ status: "delivered" }, "webhook sent");
	named.warn("twice");
	log.error("once");
	expect(lines).toEqual([
		{ level: 30, task: "deliver_webhook", event_id: "second", status: "delivered", msg: "webhook sent" },
		{ level: 40, task: "deliver_webhook", event_id: "second", msg: "twice" },
		{ level: 50, task: "deliver_webhook", event_id: "first", msg: "once" },
	]);
	expect(children).toBe(2);
});
