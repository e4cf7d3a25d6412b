import { expect, test } from "vitest";
import { entryOf } from "./entry.ts";

const list = { declined: "the bank said no" };

test("what the list has is found", () => {
	expect(entryOf(list, "declined")).toBe("the bank said no");
});

test.each(["approved", "", null, undefined, "constructor", "toString", "__proto__", "hasOwnProperty"])(
	"under %j it has nothing",
	(name) => {
		expect(entryOf(list, name)).toBeUndefined();
	},
);
