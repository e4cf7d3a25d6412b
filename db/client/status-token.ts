import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";

/** Node takes several times as long to make a key of bytes for each token as to make the token. */
const keyObjects = new WeakMap<Buffer, KeyObject>();

function keyObject(key: Buffer): KeyObject {
	const known = keyObjects.get(key);
	if (known !== undefined) return known;
	const made = createSecretKey(key);
	keyObjects.set(key, made);
	return made;
}

/** What lets a payer's browser follow one transaction, and nothing else. */
export function createStatusToken(key: Buffer, transaction_id: string): string {
	return createHmac("sha256", keyObject(key)).update(transaction_id).digest("base64url");
}

export function isStatusToken(key: Buffer, transaction_id: string, token: string): boolean {
	const expected = Buffer.from(createStatusToken(key, transaction_id));
	const given = Buffer.from(token);
	return given.length === expected.length && timingSafeEqual(given, expected);
}
