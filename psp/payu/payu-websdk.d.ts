/** PayU's official SDK has no types. What the tests use of it. */
declare module "payu-websdk" {
	type Params = Record<string, unknown>;

	export default class Payu {
		constructor(credentials: { key: string; salt: string }, env?: "TEST" | "PROD", config?: { useSplitHash?: boolean });
		/** Where it calls, made from `env`; can be set. */
		credes: { apiHost: string; apiPath: string; paymentURL: string };
		hasher: { generatePaymentHash(params: Params): string; validateResponseHash(params: Params): boolean };
		/** A page that submits itself. */
		paymentInitiate(params: Params): string;
		verifyPayment(txnid: string): Promise<Params>;
		cancelRefundTransaction(payuid: string, token: string, amount: string): Promise<Params>;
		checkActionStatus(request_id: string): Promise<Params>;
		getSettlementDetails(day_or_utr: string): Promise<Params>;
	}
}

declare module "payu-websdk/utils/hasher.js" {
	const hasher: {
		apiHasher(credentials: { key: string; salt: string }, params: { command: string; var1: string }): string;
	};
	export default hasher;
}
