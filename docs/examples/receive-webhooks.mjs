// PORT=4100 node receive-webhooks.mjs
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const key = Buffer.from(process.env.WEBHOOK_SECRET.replace(/^whsec_/, ""), "base64");

/** The event, or null when these bytes were not signed by LightSpeedPay within the last five minutes. */
function verify(headers, body) {
	const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures = "" } = headers;
	if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= 300)) return null;
	const expected = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
	// Several signatures, separated by spaces, while a secret is being changed.
	const isGenuine = signatures.split(" ").some((entry) => {
		const [version, signature = ""] = entry.split(",");
		const given = Buffer.from(signature, "base64");
		return version === "v1" && given.length === expected.length && timingSafeEqual(given, expected);
	});
	return isGenuine ? JSON.parse(body) : null;
}

// In your shop: a unique column, written in the transaction that marks the order paid.
const seen = new Set();

createServer(async (request, response) => {
	const chunks = [];
	for await (const chunk of request) chunks.push(chunk);
	const event = verify(request.headers, Buffer.concat(chunks));
	if (event === null) return response.writeHead(401).end();
	if (!seen.has(event.id)) {
		seen.add(event.id);
		if (event.type === "payment.paid") console.log(`ship ${event.data.order_id}: ${event.data.amount} paise`);
	}
	response.writeHead(204).end();
}).listen(Number(process.env.PORT), "127.0.0.1");
