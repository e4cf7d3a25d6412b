/**
 * One call to Stripe. Its official SDK builds the request (path, form fields, API version); we send it and read the
 * answer, by way of the SDK's `httpClient` option, because the SDK's own transport
 *
 * - sends a request once more when the connection breaks, even when told to make no retries, so that what the first one
 *   did stays hidden;
 * - knows a host and a port but no path before /v1, which a sandbox among others has;
 * - drops status and headers (Retry-After) of an answer that is no JSON.
 *
 * The first call loads it: a process that only verifies makes none.
 */

import type Stripe from "stripe";
import type { PspAccount, PspEndpoint } from "../adapter.ts";
import { callOverHttp, DEFAULT_TIMEOUT_MS, type Exchange } from "../exchange.ts";

export const STRIPE_API_URL = "https://api.stripe.com";

/** What a header can carry, and a key of Stripe's is made of. */
const SECRET_KEY = /^[\x21-\x7e]+$/;

export interface StripeClient {
	readonly api_url: string;
	call(
		account: PspAccount,
		run: (sdk: Stripe, options: Stripe.RequestOptions) => PromiseLike<unknown>,
		idempotency_key?: string,
	): Promise<Exchange>;
}

export function createStripeClient(endpoint: PspEndpoint = {}): StripeClient {
	const api_url = endpoint.api_url ?? STRIPE_API_URL;
	const timeout_ms = endpoint.timeout_ms ?? DEFAULT_TIMEOUT_MS;
	let loading: Promise<Stripe> | undefined;

	return {
		api_url,
		async call(account, run, idempotency_key) {
			if (!SECRET_KEY.test(account.api_secret)) {
				return { kind: "never_sent", reason: "the secret key is none that Stripe issues" };
			}
			loading ??= loadSdk(createTransport(api_url, timeout_ms));
			return exchangeIn(
				await run(await loading, {
					apiKey: account.api_secret,
					...(idempotency_key === undefined ? {} : { idempotencyKey: idempotency_key }),
				}),
			);
		},
	};
}

/** Holds no key: each call brings its account's, and one without would not leave. */
async function loadSdk(httpClient: NonNullable<Stripe.StripeConfig["httpClient"]>): Promise<Stripe> {
	const { default: Sdk } = await import("stripe");
	return new Sdk("", {
		authenticator: () => Promise.reject(new Error("a call to Stripe without an account")),
		httpClient,
		maxNetworkRetries: 0,
		telemetry: false,
	});
}

/**
 * Never fails, and tells the SDK of a 200 whatever came: the SDK then hands on, as the answer, the exchange itself, so
 * that what became of a call reaches its caller and no other.
 */
function createTransport(api_url: string, timeout_ms: number): NonNullable<Stripe.StripeConfig["httpClient"]> {
	return {
		getClientName: () => "lightspeedpay",
		async makeRequest(_host, _port, path, method, headers, body) {
			const exchange = await callOverHttp(
				`${api_url}${path}`,
				{ method, headers: sendableHeaders(headers), ...(method === "POST" ? { body } : {}) },
				timeout_ms,
			);
			return {
				getStatusCode: () => 200,
				getHeaders: () => ({}),
				getRawResponse: () => ({}),
				toStream: () => null,
				toJSON: async () => ({ exchange }),
			};
		},
	};
}

/** fetch counts the body's length itself. */
function sendableHeaders(headers: object): Record<string, string> {
	return Object.fromEntries(
		Object.entries(headers)
			.filter(([name]) => name.toLowerCase() !== "content-length")
			.map(([name, value]) => [name, String(value)]),
	);
}

/** Fails loudly if an SDK release no longer hands on what its transport gave it. */
function exchangeIn(answer: unknown): Exchange {
	const { exchange } = (answer ?? {}) as { exchange?: Exchange };
	if (exchange === undefined) {
		throw new Error("The stripe SDK no longer hands on its transport's answer; psp/stripe/client.ts must follow.");
	}
	return exchange;
}
