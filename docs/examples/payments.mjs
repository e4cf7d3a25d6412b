// node payments.mjs initiate <order_id> <paise>
// node payments.mjs status <transaction_id>
// node payments.mjs refund <transaction_id> <paise> <key of yours>
import { createHmac } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

const { CHECKOUT_URL, CLIENT_KEY, CLIENT_SALT } = process.env;

/** `path` includes the query. Tries again, as Retry-After says: the same order_id is charged once, a key refunded once. */
async function call(method, path, data) {
	const body = data === undefined ? "" : JSON.stringify(data);
	for (let tries = 1; ; tries++) {
		const timestamp = Math.floor(Date.now() / 1000);
		const signature = createHmac("sha256", CLIENT_SALT).update(`${timestamp}.${method}.${path}.${body}`).digest("hex");
		const response = await fetch(CHECKOUT_URL + path, {
			method,
			headers: {
				"X-Client-Key": CLIENT_KEY,
				"X-Timestamp": String(timestamp),
				"X-Signature": signature,
				...(body !== "" && { "Content-Type": "application/json" }),
			},
			...(body !== "" && { body }),
			signal: AbortSignal.timeout(15_000),
		});
		if ([429, 500, 503].includes(response.status) && tries < 4) {
			await sleep(1000 * Number(response.headers.get("Retry-After") ?? tries));
			continue;
		}
		const answer = await response.json();
		if (response.ok) return answer;
		throw new Error(`${response.status} ${answer.error.code} (${answer.error.request_id}): ${answer.error.message}`);
	}
}

const commands = {
	initiate: (order_id, amount) =>
		call("POST", "/payment/initiate", { order_id, amount: Number(amount), currency: "INR" }),
	status: (transaction_id) => call("GET", `/transaction/${transaction_id}`),
	refund: (transaction_id, amount, idempotency_key) =>
		call("POST", "/refund", { transaction_id, amount: Number(amount), idempotency_key }),
};
const [command, ...args] = process.argv.slice(2);
console.log(JSON.stringify(await commands[command](...args)));
