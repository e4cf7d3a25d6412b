// node verify-result.mjs <the address that the payer's browser came back to>
import { createHmac, timingSafeEqual } from "node:crypto";

/** What the payer's browser brought back, or null when it was forged or altered. */
function verifyResult(address, clientSalt) {
	const result = Object.fromEntries(new URL(address).searchParams);
	const { timestamp, transaction_id, order_id, status, amount, signature = "", next_signature = "" } = result;
	const message = `${timestamp}.${transaction_id}.${order_id}.${status}.${amount}`;
	const expected = createHmac("sha256", clientSalt).update(message).digest();
	// There are two while the salt is being changed.
	const isGenuine = [signature, next_signature].some((each) => {
		const given = Buffer.from(each, "hex");
		return given.length === expected.length && timingSafeEqual(given, expected);
	});
	return isGenuine ? result : null;
}

const result = verifyResult(process.argv[2], process.env.CLIENT_SALT);
console.log(result === null ? "not genuine" : `${result.order_id} is ${result.status}`);
