/**
 * PayU's proofs: SHA-512 in lower-case hex over fields joined by "|", the merchant's salt among them. The fields go in as
 * they are written in the message ("10", "10.0" and "10.00" have different hashes), missing ones as nothing.
 */

import { createHash, timingSafeEqual } from "node:crypto";

export type PayuFields = Readonly<Record<string, string | undefined>>;

interface Credentials {
	api_key: string;
	/** PayU calls it the salt. */
	api_secret: string;
}

/** Five more fields than the five of the merchant's own (udf1 to udf5) have a place and are always empty. */
const EMPTY = ["", "", "", "", ""];

/** Of the form that takes a payer to PayU. `splitRequest` is hashed as the very string that is posted. */
export function forwardHash({ api_key, api_secret }: Credentials, fields: PayuFields): string {
	const { txnid, amount, productinfo, firstname, email, udf1, udf2, udf3, udf4, udf5, splitRequest } = fields;
	const parts = [api_key, txnid, amount, productinfo, firstname, email, udf1, udf2, udf3, udf4, udf5, ...EMPTY];
	return hashOf([...parts, api_secret, ...(splitRequest === undefined ? [] : [splitRequest])]);
}

/** Of what PayU says about a payment, by the payer's browser or by webhook. */
export function reverseHash(
	{ api_key, api_secret }: Credentials,
	fields: PayuFields,
	{ with_split } = { with_split: fields.splitInfo !== undefined },
): string {
	const { additionalCharges, splitInfo, status, udf5, udf4, udf3, udf2, udf1 } = fields;
	const { email, firstname, productinfo, amount, txnid } = fields;
	return hashOf([
		...(additionalCharges === undefined ? [] : [additionalCharges]),
		api_secret,
		status,
		...(with_split ? [splitInfo] : []),
		...EMPTY,
		...[udf5, udf4, udf3, udf2, udf1],
		...[email, firstname, productinfo, amount, txnid, api_key],
	]);
}

/** Of a call to PayU's API. */
export function commandHash({ api_key, api_secret }: Credentials, command: string, var1: string): string {
	return hashOf([api_key, command, var1, api_secret]);
}

/**
 * Whether PayU said this of this account's payment: key, status, txnid, amount and the payer's fields. The hash covers
 * nothing else, not even PayU's own payment id. An account that may split its payments gets `splitInfo` on all of them,
 * and whether it is in the hash depends on how PayU has set the account up.
 */
export function isSaidByPayu(account: Credentials, fields: PayuFields): boolean {
	if (account.api_secret === "" || fields.key !== account.api_key) return false;
	if (fields.hash === undefined || !/^[0-9a-f]{128}$/i.test(fields.hash)) return false;
	const claimed = Buffer.from(fields.hash, "hex");
	const variants = fields.splitInfo === undefined ? [false] : [true, false];
	return variants
		.map((with_split) => Buffer.from(reverseHash(account, fields, { with_split }), "hex"))
		.reduce((proven, expected) => timingSafeEqual(expected, claimed) || proven, false);
}

function hashOf(parts: readonly (string | undefined)[]): string {
	return createHash("sha512")
		.update(parts.map((part) => part ?? "").join("|"))
		.digest("hex");
}
