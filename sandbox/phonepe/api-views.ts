import { createHash } from "node:crypto";
import type { Order, Payment, Refund } from "./store.ts";

/** Every account has a merchant id of its own besides its client id. */
export function merchantIdOf(apiKey: string): string {
	return `M${createHash("sha256").update(apiKey).digest("hex").slice(0, 12).toUpperCase()}`;
}

/** An order as the status call and the webhooks show it, with these payments of it. */
export function orderView(order: Order, payments: Payment[]) {
	const { orderId, state, amount, expireAt, metaInfo, error } = order;
	return {
		orderId,
		state,
		amount,
		payableAmount: amount,
		feeAmount: 0,
		expireAt,
		...(error !== null && { errorCode: error.errorCode, detailedErrorCode: error.detailedErrorCode }),
		...(metaInfo !== undefined && { metaInfo }),
		paymentDetails: payments.map((payment) => ({ ...payment })),
	};
}

export function refundView(refund: Refund) {
	const { refundId, amount, state, timestamp } = refund;
	const detail = { transactionId: refundId, paymentMode: "UPI_QR", timestamp, amount, state };
	return { ...refund, paymentDetails: [detail] };
}
