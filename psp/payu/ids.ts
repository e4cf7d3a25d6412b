/**
 * Our references are uuids of 36 characters. PayU takes 25 for a payment (txnid) and 23 for a refund (token), so both are
 * the same 128 bits written shorter, and can be read back.
 */

const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz";
const ALL_DIGITS = `${DIGITS}ABCDEFGHIJKLMNOPQRSTUVWXYZ`;
const TXNID_LENGTH = 25;
const TOKEN_LENGTH = 22;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** In lower case alone: a search on PayU's side that takes "A" for "a" finds no other. Null for what is no uuid. */
export function txnidOf(reference: string): string | null {
	return write(reference, DIGITS, TXNID_LENGTH);
}

/** Null for a txnid that is none of ours. */
export function referenceOfTxnid(txnid: string): string | null {
	return read(txnid, DIGITS, TXNID_LENGTH);
}

/** 23 characters are too few for lower case alone. */
export function tokenOf(reference: string): string | null {
	return write(reference, ALL_DIGITS, TOKEN_LENGTH);
}

export function referenceOfToken(token: string): string | null {
	return read(token, ALL_DIGITS, TOKEN_LENGTH);
}

function write(reference: string, digits: string, length: number): string | null {
	if (!UUID.test(reference)) return null;
	const base = BigInt(digits.length);
	let text = "";
	for (let rest = BigInt(`0x${reference.replaceAll("-", "")}`); rest > 0n; rest /= base) {
		text = digits[Number(rest % base)] + text;
	}
	return text.padStart(length, "0");
}

function read(text: string, digits: string, length: number): string | null {
	if (text.length !== length) return null;
	let value = 0n;
	for (const character of text) {
		const digit = digits.indexOf(character);
		if (digit < 0) return null;
		value = value * BigInt(digits.length) + BigInt(digit);
	}
	const hex = value.toString(16).padStart(32, "0");
	if (hex.length > 32) return null;
	return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
