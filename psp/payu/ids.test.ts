import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { referenceOfToken, referenceOfTxnid, tokenOf, txnidOf } from "./ids.ts";

describe("our references in the lengths that PayU takes", () => {
	test("a txnid has 25 characters of lower case and digits, and is read back", () => {
		fc.assert(
			fc.property(fc.uuid(), (reference) => {
				const txnid = txnidOf(reference) as string;
				expect(txnid).toMatch(/^[0-9a-z]{25}$/);
				expect(referenceOfTxnid(txnid)).toBe(reference);
			}),
		);
	});

	test("a refund's token has at most 23 characters, and is read back", () => {
		fc.assert(
			fc.property(fc.uuid(), (reference) => {
				const token = tokenOf(reference) as string;
				expect(token).toMatch(/^[0-9A-Za-z]{22}$/);
				expect(referenceOfToken(token)).toBe(reference);
			}),
		);
	});

	test.each(["ffffffff-ffff-ffff-ffff-ffffffffffff", "00000000-0000-0000-0000-000000000000"])(
		"%s fits",
		(reference) => {
			expect(referenceOfTxnid(txnidOf(reference) as string)).toBe(reference);
			expect(referenceOfToken(tokenOf(reference) as string)).toBe(reference);
		},
	);

	test.each(["", "KB-1", "5e2e5eb03a45f13a8bdb", "ORDER_33172661_1679394745", "z".repeat(25), "Z".repeat(25)])(
		"the txnid %j is none of ours",
		(txnid) => expect(referenceOfTxnid(txnid)).toBeNull(),
	);

	test.each(["", "PZT2506150013OR4AN33", "Z".repeat(22), "36ZjCVt4iWJDuH3rHGvXy-"])(
		"the token %j is none of ours",
		(token) => expect(referenceOfToken(token)).toBeNull(),
	);

	test.each(["", "KB-1", "b0fcba3d-bc1f-4d0c-9a5e-6a2b84bb1e4", "b0fcba3dbc1f4d0c9a5e6a2b84bb1e4b"])(
		"%j is no uuid and has no txnid and no token",
		(reference) => {
			expect(txnidOf(reference)).toBeNull();
			expect(tokenOf(reference)).toBeNull();
		},
	);
});
