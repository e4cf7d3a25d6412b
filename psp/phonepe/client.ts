/** Calls to PhonePe over plain HTTP: its SDK is a singleton with one token for the whole process, so for one merchant. */

import type { PspAccount, PspEndpoint } from "../adapter.ts";
import { callOverHttp, type Exchange } from "../exchange.ts";
import { redact } from "../redact.ts";
import { Sessions, sessionKey, type Token } from "./session.ts";
import { type PhonePeSettings, readSettings } from "./settings.ts";

const hosts = {
	production: { origin: "https://api.phonepe.com", pg: "/apis/pg", identity: "/apis/identity-manager" },
	sandbox: { origin: "https://api-preprod.phonepe.com", pg: "/apis/pg-sandbox", identity: "/apis/pg-sandbox" },
} as const;

export interface PhonePeCall {
	method: "GET" | "POST";
	/** Below the payment gateway's base path. */
	path: string;
	body?: unknown;
}

export type PhonePeExchange =
	| Exchange
	/** PhonePe gave no token, so the call itself was never made. */
	| { kind: "no_token"; exchange: Exchange }
	/** The account's settings do not allow a call. */
	| { kind: "not_called"; reason: string };

export interface PhonePeClient {
	call(account: PspAccount, call: PhonePeCall): Promise<PhonePeExchange>;
}

export function createPhonePeClient({ api_url, timeout_ms }: PspEndpoint): PhonePeClient {
	const sessions = new Sessions();

	function baseUrls({ environment }: PhonePeSettings) {
		const { origin, pg, identity } = hosts[environment];
		return { pg: `${api_url ?? origin}${pg}`, identity: `${api_url ?? origin}${identity}` };
	}

	function requestToken(account: PspAccount, settings: PhonePeSettings): Promise<Exchange> {
		const form = new URLSearchParams({
			client_id: account.api_key,
			client_secret: account.api_secret,
			client_version: String(settings.client_version),
			grant_type: "client_credentials",
		});
		const init = { method: "POST", headers: { accept: "application/json" }, body: form };
		return callOverHttp(`${baseUrls(settings).identity}/v1/oauth/token`, init, timeout_ms);
	}

	async function callWith(
		account: PspAccount,
		token: Token,
		settings: PhonePeSettings,
		{ method, path, body }: PhonePeCall,
	): Promise<Exchange> {
		const exchange = await callOverHttp(
			`${baseUrls(settings).pg}${path}`,
			{
				method,
				headers: {
					accept: "application/json",
					"content-type": "application/json",
					authorization: token.authorization,
					...(settings.merchant_id === undefined ? {} : { "x-merchant-id": settings.merchant_id }),
				},
				...(body === undefined ? {} : { body: JSON.stringify(body) }),
			},
			timeout_ms,
		);
		return redact(exchange, { ...account, api_secret: token.secret });
	}

	return {
		async call(account, call) {
			const read = readSettings(account);
			if (!read.usable) return { kind: "not_called", reason: read.reason };
			const { settings } = read;
			const { environment, client_version } = settings;
			const key = sessionKey([environment, account.api_key, account.api_secret, client_version]);
			const ask = () => requestToken(account, settings);

			const first = await sessions.tokenFor(key, ask);
			if (first.kind === "no_token") return first;
			const exchange = await callWith(account, first.token, settings, call);
			// 401 comes before anything is done, so that the call may be made again, whatever it is.
			if (exchange.kind !== "answered" || exchange.http_status !== 401) return exchange;
			const second = await sessions.replace(key, first.token, ask);
			return second.kind === "no_token" ? second : callWith(account, second.token, settings, call);
		},
	};
}
