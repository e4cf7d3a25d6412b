import { createStatusToken } from "../db/client/status-token.ts";

/** Where a PSP sends the payer's browser: pages of checkout, which lets in whoever holds the payment's status token. */
export interface PayerUrls {
	return_url(transaction_id: string): string;
	cancel_url(transaction_id: string): string;
}

export function createPayerUrls(options: { checkout_url: string; status_token_key: Buffer }): PayerUrls {
	const page = (transaction_id: string, place: "return" | "cancel") => {
		const token = createStatusToken(options.status_token_key, transaction_id);
		return `${options.checkout_url}/pay/${transaction_id}/${place}?token=${token}`;
	};
	return {
		return_url: (transaction_id) => page(transaction_id, "return"),
		cancel_url: (transaction_id) => page(transaction_id, "cancel"),
	};
}
