import { randomFillSync } from "node:crypto";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** To ask the system for a few bytes costs as much as for thousands, and an order that is paid needs a dozen times. */
const pool = Buffer.alloc(4096);
let used = pool.length;

function randomBytes(length: number): Buffer {
	if (used + length > pool.length) {
		randomFillSync(pool);
		used = 0;
	}
	used += length;
	return pool.subarray(used - length, used);
}

/** Letters and digits, as the ids of most providers are made. */
export function randomAlphanumeric(length: number): string {
	let text = "";
	for (const byte of randomBytes(length)) text += ALPHABET[byte % ALPHABET.length];
	return text;
}

export function randomDigits(length: number): string {
	let text = "";
	for (const byte of randomBytes(length)) text += byte % 10;
	return text;
}
