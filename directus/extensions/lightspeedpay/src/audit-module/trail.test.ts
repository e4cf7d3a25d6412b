import { expect, it } from "vitest";
import { collections } from "../../../../config/collections.ts";
import { changesOf, pageOf } from "./trail.ts";

it("a change is told field by field, without what was and stayed empty", () => {
	expect(
		changesOf({
			before: { status: "active", phone: null, note: "x" },
			after: { status: "suspended", phone: "", url: "u" },
		}),
	).toEqual([
		{ field: "status", before: "active", after: "suspended" },
		{ field: "note", before: "x", after: undefined },
		{ field: "url", before: undefined, after: "u" },
	]);
	expect(changesOf({ before: null, after: null })).toEqual([]);
});

it("a row leads to its page, and what has none to nothing", () => {
	const known = collections.map(({ collection }) => collection);
	for (const table_name of ["clients", "wallets", "webhook_events"]) {
		expect(known).toContain(table_name);
		expect(pageOf({ table_name, row_id: "1" })).toBe(`/content/${table_name}/1`);
	}
	expect(pageOf({ table_name: "queues", row_id: "refund_payment:mumbai" })).toBe("/queues/refund_payment%3Amumbai");
	expect(pageOf({ table_name: "company_profile", row_id: "1" })).toBeNull();
});
