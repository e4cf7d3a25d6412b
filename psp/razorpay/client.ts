/**
 * One call to Razorpay through its official SDK, with the SDK's weak points handled:
 *
 * - it has no time-out, follows redirects (with credentials) and reads answers of any size;
 * - it throws away what went wrong: a lost reply becomes a TypeError, an HTML page `{ statusCode }`, and headers
 *   (Retry-After) are dropped;
 * - its idempotency headers can only be set on defaults that all calls of a client share.
 *
 * So interceptors give each call its credentials, headers and deadline, and see the HTTP exchange before the SDK does. The SDK
 * is made once (to make it costs as much as a call), knows no account, and keeps none: which call it works for is what Node
 * carries along with the call, and without that nothing is sent. It is loaded by the first call: a process that only verifies
 * makes none.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import http from "node:http";
import https from "node:https";
import type Razorpay from "razorpay";
import type { PspAccount, PspEndpoint } from "../adapter.ts";
import { DEFAULT_TIMEOUT_MS, type Exchange, exchangeWithoutAnswer } from "../exchange.ts";

export const RAZORPAY_API_URL = "https://api.razorpay.com";

const MAX_ANSWER_BYTES = 20 * 1024 * 1024;

/** What this file uses of the axios instance inside the SDK. */
interface SdkTransport {
	defaults: Record<string, unknown>;
	interceptors: {
		request: { use(fulfilled: (request: SdkRequest) => SdkRequest): unknown };
		response: {
			use(fulfilled: (response: SdkResponse) => SdkResponse, rejected: (error: unknown) => Promise<never>): unknown;
		};
	};
}

interface SdkRequest {
	auth?: { username: string; password: string };
	signal?: AbortSignal;
	headers: { set(headers: Record<string, string>): unknown };
}

interface SdkResponse {
	status: number;
	headers: Record<string, unknown>;
	data: unknown;
}

interface Call {
	account: PspAccount;
	headers: Record<string, string>;
	/** For the whole exchange: axios' own time-out starts again with every byte that trickles in. */
	deadline: AbortSignal;
	exchange?: Exchange;
}

export interface RazorpayClient {
	readonly api_url: string;
	call(
		account: PspAccount,
		run: (sdk: Razorpay) => PromiseLike<unknown>,
		headers?: Record<string, string>,
	): Promise<Exchange>;
}

export function createRazorpayClient(endpoint: PspEndpoint = {}): RazorpayClient {
	const api_url = endpoint.api_url ?? RAZORPAY_API_URL;
	const timeout_ms = endpoint.timeout_ms ?? DEFAULT_TIMEOUT_MS;
	const transport_defaults = {
		baseURL: api_url,
		maxRedirects: 0,
		maxContentLength: MAX_ANSWER_BYTES,
		httpAgent: new http.Agent({ keepAlive: true }),
		httpsAgent: new https.Agent({ keepAlive: true }),
		// A stand-in on this machine is never behind the proxy that the way out may need.
		...(endpoint.api_url === undefined ? {} : { proxy: false }),
	};

	const calls = new AsyncLocalStorage<Call>();
	let made: Promise<Razorpay> | undefined;

	function currentCall(): Call {
		const call = calls.getStore();
		if (call === undefined) throw new Error("A request to Razorpay that belongs to no call is not sent.");
		return call;
	}

	async function makeSdk(): Promise<Razorpay> {
		const { default: Sdk } = await import("razorpay");
		const sdk = new Sdk({ key_id: "of each call" });
		const transport = transportOf(sdk);
		Object.assign(transport.defaults, transport_defaults);
		transport.interceptors.request.use((request) => {
			const { account, headers, deadline } = currentCall();
			request.headers.set(headers);
			return Object.assign(request, {
				auth: { username: account.api_key, password: account.api_secret },
				signal: deadline,
			});
		});
		transport.interceptors.response.use(
			(response) => {
				currentCall().exchange = answered(response);
				return response;
			},
			(error) => {
				const call = currentCall();
				const { response } = (error ?? {}) as { response?: SdkResponse };
				call.exchange =
					response === undefined ? exchangeWithoutAnswer(error, call.deadline.aborted) : answered(response);
				return Promise.reject(error);
			},
		);
		return sdk;
	}

	return {
		api_url,
		async call(account, run, headers = {}) {
			made ??= makeSdk().catch((error: unknown) => {
				made = undefined;
				throw error;
			});
			const sdk = await made;
			const call: Call = { account, headers, deadline: AbortSignal.timeout(timeout_ms) };
			try {
				await calls.run(call, () => run(sdk));
			} catch {
				// The interceptor has seen what happened, and better than the SDK tells it.
			}
			return call.exchange ?? { kind: "never_sent", reason: "the SDK refused the call" };
		},
	};
}

/** Fails loudly if an SDK release moves its transport: silently calling the real host from a sandbox would be worse. */
function transportOf(sdk: Razorpay): SdkTransport {
	const transport = (sdk.api as unknown as { rq?: Partial<SdkTransport> }).rq;
	if (typeof transport?.defaults?.baseURL !== "string" || transport.interceptors?.request === undefined) {
		throw new Error("The razorpay SDK no longer has its HTTP client at api.rq; psp/razorpay/client.ts must follow.");
	}
	return transport as SdkTransport;
}

function answered(response: SdkResponse): Exchange {
	const headers: Record<string, string> = {};
	for (const [name, value] of Object.entries(response.headers)) {
		if (typeof value === "string") headers[name.toLowerCase()] = value;
	}
	return { kind: "answered", http_status: response.status, headers, body: response.data };
}
