/**
 * PayU's API over plain HTTP. The official SDK for Node is used by the tests alone, to check hashes and the sandbox: it
 * lets `&` and `+` in a value become part of the form, has no time-out, and reports what is not JSON as a bare string.
 */

import type { PspAccount, PspEndpoint } from "../adapter.ts";
import { callOverHttp, type Exchange } from "../exchange.ts";
import { commandHash } from "./hash.ts";

const LIVE = { page: "https://secure.payu.in", api: "https://info.payu.in" };
const TEST = { page: "https://test.payu.in", api: "https://test.payu.in" };

export interface PayuClient {
	/** Every place a payer may be sent to. */
	readonly page_origins: readonly string[];
	/** Where the form goes that takes a payer to PayU. */
	paymentUrl(account: PspAccount): string;
	call(account: PspAccount, command: string, vars: readonly string[]): Promise<Exchange>;
}

export function createPayuClient({ api_url, timeout_ms }: PspEndpoint = {}): PayuClient {
	// A key says nothing of the environment that it is for.
	const hostsOf = (account: PspAccount) => {
		if (api_url !== undefined) return { page: api_url, api: api_url };
		return account.settings.environment === "test" ? TEST : LIVE;
	};
	return {
		page_origins: api_url === undefined ? [LIVE.page, TEST.page] : [new URL(api_url).origin],
		paymentUrl: (account) => `${hostsOf(account).page}/_payment`,
		call(account, command, vars) {
			const body = new URLSearchParams({ key: account.api_key, command });
			for (const [index, value] of vars.entries()) body.set(`var${index + 1}`, value);
			body.set("hash", commandHash(account, command, vars[0] ?? ""));
			return callOverHttp(
				`${hostsOf(account).api}/merchant/postservice.php?form=2`,
				{
					method: "POST",
					headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
					body: body.toString(),
				},
				timeout_ms,
			);
		},
	};
}
