import { randomUUID } from "node:crypto";

export const PHONEPE_ACCOUNT = {
	provider: "phonepe",
	api_key: "SU2511_kaveri",
	api_secret: "client secret",
	webhook_secret: "hook5ecret99",
};

/** A merchant's server that talks to the sandbox's PhonePe at `url`. */
export function createTestClient(url: string, account = PHONEPE_ACCOUNT) {
	let authorization = "";

	async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
		const response = await fetch(`${url}/phonepe/apis/pg${path}`, {
			method,
			headers: { authorization, "content-type": "application/json", ...headers },
			...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
		});
		return { status: response.status, body: await response.json() };
	}

	async function askForToken(form: Record<string, string> = {}, path = "identity-manager") {
		const response = await fetch(`${url}/phonepe/apis/${path}/v1/oauth/token`, {
			method: "POST",
			body: new URLSearchParams({
				client_id: account.api_key,
				client_secret: account.api_secret,
				client_version: "1",
				grant_type: "client_credentials",
				...form,
			}),
		});
		return { status: response.status, body: await response.json() };
	}

	return {
		call,
		askForToken,
		async logIn(): Promise<void> {
			const { body } = await askForToken();
			authorization = `${body.token_type} ${body.access_token}`;
		},
		async createOrder(changed: Record<string, unknown> = {}) {
			const wanted = payBody(changed);
			const { body } = await call("POST", "/checkout/v2/pay", wanted);
			return { ...body, merchantOrderId: wanted.merchantOrderId as string } as CreatedOrder;
		},
	};
}

interface CreatedOrder {
	orderId: string;
	merchantOrderId: string;
	state: string;
	expireAt: number;
	redirectUrl: string;
}

export function payBody(changed: Record<string, unknown> = {}): Record<string, unknown> {
	return {
		merchantOrderId: randomUUID(),
		amount: 49_900,
		paymentFlow: { type: "PG_CHECKOUT", merchantUrls: { redirectUrl: "http://127.0.0.1:9/return?token=t" } },
		...changed,
	};
}
