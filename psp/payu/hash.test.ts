import fc from "fast-check";
import Payu from "payu-websdk";
import hasher from "payu-websdk/utils/hasher.js";
import { describe, expect, test } from "vitest";
import { commandHash, forwardHash, isSaidByPayu, reverseHash } from "./hash.ts";

const account = { api_key: "payukey", api_secret: "s@lt|+&%-Ω" };
const credentials = { key: account.api_key, salt: account.api_secret };
const sdk = new Payu({ ...credentials }, "TEST");
const splitting = new Payu({ ...credentials }, "TEST", { useSplitHash: true });

/** What payers and merchants write: ampersands, plus signs, bars, quotes, any script, emoji. */
const words = fc.oneof(
	fc.string({ unit: "grapheme", maxLength: 40 }),
	fc.string({ unit: fc.constantFrom("&", "+", "|", "=", "%", '"', "<", "é", "क", "₹", "☕", " ", "a"), maxLength: 20 }),
);
const amount = fc.constantFrom("10", "10.0", "10.00", "499.00", "1", "123456.78");
const formFields = fc.record({
	txnid: words,
	amount,
	productinfo: words,
	firstname: words,
	email: words,
	udf1: words,
	udf2: words,
	udf3: words,
	udf4: words,
	udf5: words,
});
const responseFields = formFields.chain((fields) =>
	fc.record({
		...(Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, fc.constant(value)])) as Record<
			keyof typeof fields,
			fc.Arbitrary<string>
		>),
		status: fc.constantFrom("success", "failure", "pending"),
		key: fc.constant(account.api_key),
	}),
);
const splitInfo = fc.dictionary(fc.string({ unit: fc.constantFrom("a", "B", "7"), minLength: 1, maxLength: 6 }), words);

describe("hashes are those of PayU's own SDK", () => {
	test("of the form", () => {
		fc.assert(
			fc.property(formFields, (fields) => {
				expect(forwardHash(account, fields)).toBe(sdk.hasher.generatePaymentHash({ ...fields }));
			}),
		);
	});

	test("of the form with a split, over the very string that is posted", () => {
		fc.assert(
			fc.property(formFields, splitInfo, (fields, info) => {
				const splitRequest = { type: "absolute", splitInfo: info };
				const ours = forwardHash(account, { ...fields, splitRequest: JSON.stringify(splitRequest) });
				expect(ours).toBe(sdk.hasher.generatePaymentHash({ ...fields, splitRequest }));
			}),
		);
	});

	test("of a form without any field of the merchant's own", () => {
		const fields = { txnid: "t", amount: "10", productinfo: "p", firstname: "f", email: "e" };
		expect(forwardHash(account, fields)).toBe(sdk.hasher.generatePaymentHash(fields));
	});

	test("of a call", () => {
		fc.assert(
			fc.property(words, words, (command, var1) => {
				expect(commandHash(account, command, var1)).toBe(hasher.apiHasher({ ...credentials }, { command, var1 }));
			}),
		);
	});

	test("of what PayU says, which both of us accept", () => {
		fc.assert(
			fc.property(responseFields, (fields) => {
				const signed = { ...fields, hash: reverseHash(account, fields) };
				expect(sdk.hasher.validateResponseHash(signed)).toBe(true);
				expect(isSaidByPayu(account, signed)).toBe(true);
			}),
		);
	});

	test("of what PayU says with charges of its own on top", () => {
		fc.assert(
			fc.property(responseFields, amount, (fields, additionalCharges) => {
				const charged = { ...fields, additionalCharges };
				const signed = { ...charged, hash: reverseHash(account, charged) };
				expect(sdk.hasher.validateResponseHash(signed)).toBe(true);
				expect(isSaidByPayu(account, signed)).toBe(true);
			}),
		);
	});

	test("of what PayU says of a split, with and without charges, by either way that an account may be set up", () => {
		fc.assert(
			fc.property(responseFields, splitInfo, fc.option(amount, { nil: undefined }), (fields, info, charges) => {
				const split = {
					...fields,
					splitInfo: JSON.stringify(info),
					...(charges === undefined ? {} : { additionalCharges: charges }),
				};
				const signed = { ...split, hash: reverseHash(account, split) };
				expect(splitting.hasher.validateResponseHash(signed)).toBe(true);
				expect(isSaidByPayu(account, signed)).toBe(true);
				const plain = { ...split, hash: reverseHash(account, split, { with_split: false }) };
				expect(sdk.hasher.validateResponseHash(plain)).toBe(true);
				expect(isSaidByPayu(account, plain)).toBe(true);
			}),
		);
	});
});

describe("what is not PayU's", () => {
	const fields = {
		key: account.api_key,
		txnid: "t1",
		amount: "10.00",
		productinfo: "Book",
		firstname: "Asha",
		email: "asha.rao@example.com",
		udf1: "r1",
		status: "success",
	};
	const signed = { ...fields, hash: reverseHash(account, fields) };

	test("the hash covers key, status, txnid, amount and the payer's fields", () => {
		expect(isSaidByPayu(account, signed)).toBe(true);
		for (const name of ["key", "status", "txnid", "amount", "productinfo", "firstname", "email", "udf1"] as const) {
			expect([name, isSaidByPayu(account, { ...signed, [name]: `${signed[name]}0` })]).toEqual([name, false]);
		}
	});

	test("the same amount written in another way has another hash", () => {
		expect(isSaidByPayu(account, { ...signed, amount: "10.0" })).toBe(false);
		expect(isSaidByPayu(account, { ...signed, amount: "10" })).toBe(false);
	});

	test("charges or a split added on the way do not pass", () => {
		expect(isSaidByPayu(account, { ...signed, additionalCharges: "1.00" })).toBe(false);
		expect(isSaidByPayu(account, { ...signed, hash: reverseHash({ ...account, api_secret: "other" }, signed) })).toBe(
			false,
		);
	});

	test.each([undefined, "", "0".repeat(128), "zz".repeat(64), signed.hash.slice(0, 64), `${signed.hash}0`])(
		"the hash %j",
		(hash) => expect(isSaidByPayu(account, { ...fields, hash })).toBe(false),
	);

	test("a hash in capital letters is the same hash", () => {
		expect(isSaidByPayu(account, { ...signed, hash: signed.hash.toUpperCase() })).toBe(true);
	});

	test("nothing is PayU's for an account without a salt", () => {
		const bare = { ...account, api_secret: "" };
		expect(isSaidByPayu(bare, { ...fields, hash: reverseHash(bare, fields) })).toBe(false);
	});
});
