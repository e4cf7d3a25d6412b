import { createHmac, timingSafeEqual } from "node:crypto";

/** What lets a payer's browser follow one transaction, and nothing else. */
export function createStatusToken(key: Buffer, transaction_id: string): string {
	return createHmac("sha256", key).update(transaction_id).digest("base64url");
}

export function isStatusToken(key: Buffer, transaction_id: string, token: string): boolean {
	const expected = Buffer.from(createStatusToken(key, transaction_id));
	const given = Buffer.from(token);
	return given.length === expected.length && timingSafeEqual(given, expected);
}
