import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findDuplicateKey } from "./duplicate-key.ts";

describe("findDuplicateKey", () => {
	it.each([
		['{"amount":1,"amount":2}', "amount"],
		['{"a":{"b":1,"c":[{"d":1,"d" : 2}]}}', "d"],
		['{"amount":1,"am\\u006funt":2}', "amount"],
		['{ "a\\"b" : 1 , "a\\"b"\n:2}', 'a"b'],
		['[{"a":1},{"a":1}]', null],
		['{"a":"b","b":"a","c":["a","a"]}', null],
		['{"a":"\\\\","b":"{\\"a\\":1,\\"a\\":2}"}', null],
		["{}", null],
	])("in %s finds %s", (text, name) => {
		expect(findDuplicateKey(text)).toBe(name);
	});

	it("finds none in what JSON.stringify writes", () => {
		fc.assert(
			fc.property(fc.json(), fc.constantFrom(undefined, 2), (text, indent) => {
				expect(findDuplicateKey(JSON.stringify(JSON.parse(text), null, indent))).toBeNull();
			}),
		);
	});
});
