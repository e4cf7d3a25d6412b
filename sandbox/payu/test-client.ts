import { createHash } from "node:crypto";
import type { startTestSandbox } from "../test-sandbox.ts";

export const PAYU_ACCOUNT = { provider: "payu", api_key: "payukey", api_secret: "salt of payu" };

type TestSandbox = Awaited<ReturnType<typeof startTestSandbox>>;

const sha512 = (text: string) => createHash("sha512").update(text).digest("hex");

/** A merchant of PayU's: the form that its page would post, and calls to the API. */
export function payuMerchant(test: () => TestSandbox, { api_key, api_secret }: typeof PAYU_ACCOUNT = PAYU_ACCOUNT) {
	let count = 0;
	function form(change: Record<string, string> = {}): Record<string, string> {
		count += 1;
		const fields: Record<string, string> = {
			key: api_key,
			txnid: `${api_key}-${count}`,
			amount: "499.00",
			productinfo: "A book & a pen",
			firstname: "Asha",
			email: "asha.rao@example.com",
			phone: "9000012345",
			surl: "http://127.0.0.1:9/paid",
			furl: "http://127.0.0.1:9/failed",
			udf1: `reference-${api_key}-${count}`,
			...change,
		};
		const { txnid, amount, productinfo, firstname, email, udf1, splitRequest } = fields;
		const text = `${api_key}|${txnid}|${amount}|${productinfo}|${firstname}|${email}|${udf1}||||||||||${api_secret}`;
		return { ...fields, hash: sha512(splitRequest === undefined ? text : `${text}|${splitRequest}`) };
	}
	const post = (fields: Record<string, string>) =>
		fetch(`${test().url}/payu/_payment`, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });

	return {
		form,
		post,
		/** A form that a browser has posted. */
		async openedOrder(change: Record<string, string> = {}): Promise<string> {
			const fields = form(change);
			const { status } = await post(fields);
			if (status !== 303) throw new Error(`the form was answered with ${status}`);
			return fields.txnid as string;
		},
		pay(order: string, outcome: string, more: object = {}) {
			return test().control("POST", "pay", { provider: "payu", order, outcome, ...more });
		},
		/** What `command` answers to var1, var2 and so on. */
		// biome-ignore lint/suspicious/noExplicitAny: every command has a shape of its own
		async call(command: string, vars: string[], change: Record<string, string> = {}): Promise<any> {
			const named = vars.map((value, index) => [`var${index + 1}`, value]);
			const hash = sha512(`${api_key}|${command}|${vars[0] ?? ""}|${api_secret}`);
			const body = new URLSearchParams({ key: api_key, command, ...Object.fromEntries(named), hash, ...change });
			const response = await fetch(`${test().url}/payu/merchant/postservice.php?form=2`, { method: "POST", body });
			if (response.status !== 200) throw new Error(`${command} was answered with ${response.status}`);
			return response.json();
		},
	};
}
