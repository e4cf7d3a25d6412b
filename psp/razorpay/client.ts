/**
 * One call to Razorpay through its official SDK, with the SDK's weak points handled:
 *
 * - it has no time-out, follows redirects (with credentials) and reads answers of any size;
 * - it throws away what went wrong: a lost reply becomes a TypeError, an HTML page `{ statusCode }`, and headers
 *   (Retry-After) are dropped;
 * - its idempotency headers can only be set on defaults that all calls of a client share;
 * - its HTTP client takes four times as long for a call as the call itself.
 *
 * So it gets another HTTP client, which gives each call its credentials, headers and deadline, and keeps what came of it. The SDK
 * is made once (to make it costs as much as a call), knows no account, and keeps none: which call it works for is what Node
 * carries along with the call, and without that nothing is sent. It is loaded by the first call: a process that only verifies
 * makes none.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import type Razorpay from "razorpay";
import type { PspAccount, PspEndpoint } from "../adapter.ts";
import { DEFAULT_TIMEOUT_MS, type Exchange, exchangeWithoutAnswer, parseJson } from "../exchange.ts";

export const RAZORPAY_API_URL = "https://api.razorpay.com";

const MAX_ANSWER_BYTES = 20 * 1024 * 1024;

/** What the SDK's resources use of its HTTP client. */
interface SdkTransport {
	get(path: string, options?: { params?: Record<string, unknown> }): Promise<SdkResponse>;
	post: SendBody;
	put: SendBody;
	patch: SendBody;
	delete(path: string): Promise<SdkResponse>;
}

type SendBody = (path: string, body?: unknown) => Promise<SdkResponse>;

interface SdkResponse {
	status: number;
	data: unknown;
}

/** As the SDK reads it. */
class Refused extends Error {
	override readonly name = "Refused";
	readonly response: SdkResponse;

	constructor(response: SdkResponse) {
		super(`HTTP ${response.status}`);
		this.response = response;
	}
}

interface Call {
	account: PspAccount;
	headers: Record<string, string>;
	/** For the whole exchange. */
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
	const calls = new AsyncLocalStorage<Call>();
	let made: Promise<Razorpay> | undefined;

	function currentCall(): Call {
		const call = calls.getStore();
		if (call === undefined) throw new Error("A request to Razorpay that belongs to no call is not sent.");
		return call;
	}

	async function makeSdk(): Promise<Razorpay> {
		const [{ default: Sdk }, { Agent, EnvHttpProxyAgent, request }] = await Promise.all([
			import("razorpay"),
			import("undici"),
		]);
		const limits = { maxResponseSize: MAX_ANSWER_BYTES };
		// A stand-in on this machine is never behind the proxy that the way out may need.
		const dispatcher = endpoint.api_url === undefined ? new EnvHttpProxyAgent(limits) : new Agent(limits);

		async function exchange(method: string, path: string, body?: unknown): Promise<SdkResponse> {
			const call = currentCall();
			const { account, headers, deadline } = call;
			const credentials = Buffer.from(`${account.api_key}:${account.api_secret}`).toString("base64");
			let status: number;
			let data: unknown;
			try {
				// Redirects are answers, not instructions.
				const response = await request(`${api_url}${path}`, {
					dispatcher,
					method,
					headers: {
						accept: "application/json",
						"user-agent": `razorpay-node@${Sdk.VERSION}`,
						authorization: `Basic ${credentials}`,
						...(body === undefined ? {} : { "content-type": "application/json" }),
						...headers,
					},
					body: body === undefined ? null : JSON.stringify(body),
					signal: deadline,
				});
				status = response.statusCode;
				data = parseJson(await response.body.text());
				call.exchange = { kind: "answered", http_status: status, headers: singleHeaders(response.headers), body: data };
			} catch (error) {
				call.exchange = exchangeWithoutAnswer(error, deadline.aborted);
				throw error;
			}
			if (status < 200 || status > 299) throw new Refused({ status, data });
			return { status, data };
		}

		const sdk = new Sdk({ key_id: "of each call" });
		replaceTransport(sdk, {
			get: (path, { params = {} } = {}) => exchange("GET", `${path}${queryOf(params)}`),
			post: (path, body) => exchange("POST", path, body),
			put: (path, body) => exchange("PUT", path, body),
			patch: (path, body) => exchange("PATCH", path, body),
			delete: (path) => exchange("DELETE", path),
		});
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
				// The transport has kept what happened, and better than the SDK tells it.
			}
			return call.exchange ?? { kind: "never_sent", reason: "the SDK refused the call" };
		},
	};
}

/** Fails loudly if an SDK release moves its transport: silently calling the real host from a sandbox would be worse. */
function replaceTransport(sdk: Razorpay, transport: SdkTransport): void {
	const api = sdk.api as unknown as { rq?: SdkTransport };
	if (typeof api.rq?.get !== "function" || typeof api.rq.post !== "function") {
		throw new Error("The razorpay SDK no longer has its HTTP client at api.rq; psp/razorpay/client.ts must follow.");
	}
	api.rq = transport;
}

function queryOf(params: Record<string, unknown>): string {
	const given = Object.entries(params).filter(([, value]) => value !== undefined && value !== null);
	if (given.length === 0) return "";
	return `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}

function singleHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
	return Object.fromEntries(
		Object.entries(headers).filter((header): header is [string, string] => typeof header[1] === "string"),
	);
}
