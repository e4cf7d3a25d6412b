import { createHmac, timingSafeEqual } from "node:crypto";

/** How Razorpay signs: lower-case hex HMAC-SHA256 over the bytes as they are. */
export function sign(secret: string, message: string | Buffer): string {
	return createHmac("sha256", secret).update(message).digest("hex");
}

/** In a time that depends on neither the message nor how much of the signature is right. */
export function isSignedBy(secret: string, message: string | Buffer, signature: unknown): boolean {
	if (secret === "" || typeof signature !== "string" || !/^[0-9a-f]{64}$/.test(signature)) return false;
	return timingSafeEqual(Buffer.from(sign(secret, message), "hex"), Buffer.from(signature, "hex"));
}
