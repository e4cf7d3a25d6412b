import { randomBytes } from "node:crypto";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

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
