import { createHmac, timingSafeEqual } from "node:crypto";

/** Seconds; what Stripe's own libraries allow. */
export const TOLERANCE_SECONDS = 300;

/** How Stripe signs: hex HMAC-SHA256 over the time and the bytes as they are, with the secret as it is written (whsec_…). */
export function sign(secret: string, timestamp: number, raw_body: Buffer | string): string {
	return createHmac("sha256", secret).update(`${timestamp}.`).update(raw_body).digest("hex");
}

export function signatureHeader(secret: string, timestamp: number, raw_body: Buffer | string): string {
	return `t=${timestamp},v1=${sign(secret, timestamp, raw_body)}`;
}

/** A header has one v1 for each secret in use while a merchant's is being replaced; more would only cost time. */
const MAX_SIGNATURES = 16;

export function parseSignatureHeader(header: string): { timestamp: number; signatures: string[] } | null {
	let timestamp: number | null = null;
	const signatures: string[] = [];
	for (const part of header.split(",", MAX_SIGNATURES)) {
		const [, name, value = ""] = /^\s*([a-z]+\d*)=([^\s]*)\s*$/.exec(part) ?? [];
		if (name === "t" && /^\d{1,12}$/.test(value)) timestamp = Number(value);
		if (name === "v1" && /^[0-9a-f]{64}$/.test(value)) signatures.push(value);
	}
	return timestamp === null || signatures.length === 0 ? null : { timestamp, signatures };
}

/** In a time that depends on neither the message nor how much of a signature is right. */
export function isSignedBy(
	secret: string,
	{ timestamp, signatures }: { timestamp: number; signatures: string[] },
	raw_body: Buffer,
): boolean {
	if (secret === "") return false;
	const expected = Buffer.from(sign(secret, timestamp, raw_body), "hex");
	return signatures.map((signature) => timingSafeEqual(expected, Buffer.from(signature, "hex"))).includes(true);
}
