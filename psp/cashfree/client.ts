/**
 * One call to Cashfree through its official SDK, with the SDK's weak points handled:
 *
 * - unless told not to, it reports exceptions, with whatever is in them, to its makers' Sentry: the seventh argument;
 * - it has no time-out and follows redirects with the credentials: so it gets a transport of ours in place of axios
 *   (the eighth argument), of which it uses `request` alone;
 * - its calls take their arguments in differing orders, so every caller names what it passes;
 * - it keeps credentials and address in the object, so every call gets one of its own;
 * - it is large: the first call loads it, and a process that only verifies makes none.
 */

import type { Cashfree } from "cashfree-pg";
import type { PspAccount, PspEndpoint } from "../adapter.ts";
import { callOverHttp, type Exchange } from "../exchange.ts";

export type CashfreeMode = "sandbox" | "production";

const API_URLS: Readonly<Record<CashfreeMode, string>> = {
	sandbox: "https://sandbox.cashfree.com",
	production: "https://api.cashfree.com",
};

/** What the SDK hands to axios. */
interface SdkRequest {
	url: string;
	method: string;
	headers: Record<string, string>;
	/** JSON already. */
	data?: string;
}

type SdkTransport = ConstructorParameters<typeof Cashfree>[7];

export interface CashfreeClient {
	call(account: PspAccount, run: (sdk: Cashfree) => Promise<unknown>): Promise<Exchange>;
}

/** Keys of a test account begin so; they are known at Cashfree's sandbox alone, and the others only at its real host. */
export function modeOf(account: PspAccount): CashfreeMode {
	return account.api_key.startsWith("TEST") || account.api_secret.startsWith("cfsk_ma_test_")
		? "sandbox"
		: "production";
}

export function createCashfreeClient({ api_url, timeout_ms }: PspEndpoint = {}): CashfreeClient {
	return {
		async call(account, run) {
			const { Cashfree: Sdk, CFEnvironment } = await import("cashfree-pg");
			let exchange: Exchange = { kind: "never_sent", reason: "the SDK refused the call" };
			const transport = {
				async request({ url, method, headers, data }: SdkRequest) {
					exchange = await callOverHttp(url, { method, headers, body: data ?? null }, timeout_ms);
					if (exchange.kind !== "answered") throw new Error("no answer");
					return { status: exchange.http_status, headers: exchange.headers, data: exchange.body };
				},
			};
			const mode = modeOf(account);
			const sdk = new Sdk(
				mode === "sandbox" ? CFEnvironment.SANDBOX : CFEnvironment.PRODUCTION,
				account.api_key,
				account.api_secret,
				undefined,
				undefined,
				undefined,
				false,
				transport as unknown as SdkTransport,
			);
			sdk.basePath = `${api_url ?? API_URLS[mode]}/pg`;
			try {
				await run(sdk);
			} catch {
				// The transport has seen what happened, and better than the SDK tells it.
			}
			return exchange;
		},
	};
}
