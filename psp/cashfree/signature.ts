import { createHmac, timingSafeEqual } from "node:crypto";

/**
 * How Cashfree signs: base64 HMAC-SHA256 over the timestamp header followed by the bytes as they are, nothing between
 * them. (A page of its documentation shows a dot there; its own SDK takes no such signature.)
 */
export function sign(secret: string, timestamp: string, body: string | Buffer): string {
	return createHmac("sha256", secret).update(timestamp).update(body).digest("base64");
}

/** In a time that depends on neither the message nor how much of the signature is right. */
export function isSignedBy(secret: string, timestamp: string, body: string | Buffer, signature: unknown): boolean {
	if (typeof signature !== "string" || !/^[A-Za-z0-9+/]{43}=$/.test(signature)) return false;
	return timingSafeEqual(Buffer.from(sign(secret, timestamp, body)), Buffer.from(signature));
}
