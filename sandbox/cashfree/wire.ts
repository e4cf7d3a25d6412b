/** Orders, payments and refunds as Cashfree writes them. */

import { istTime, type Order, type Payment, type Refund, type SettlementLine, type Split, statusOf } from "./store.ts";

export const rupeesOf = (paise: number): number => Number((paise / 100).toFixed(2));

const GROUPS = { upi: "upi", card: "credit_card", netbanking: "net_banking" } as const;

export function splitEntity({ vendor_id, amount, percentage }: Split) {
	return { vendor_id, amount: amount === null ? null : rupeesOf(amount), percentage, tags: null };
}

export function orderEntity(order: Order) {
	return {
		cart_details: null,
		cf_order_id: order.cf_order_id,
		created_at: istTime(order.created_at),
		customer_details: { customer_name: null, customer_email: null, customer_uid: null, ...order.customer },
		entity: "order",
		order_amount: rupeesOf(order.amount),
		order_currency: order.currency,
		order_expiry_time: istTime(order.expires_at),
		order_id: order.order_id,
		order_meta: {
			return_url: order.return_url,
			notify_url: order.notify_url,
			payment_methods: order.payment_methods,
		},
		order_note: order.note,
		order_splits: order.splits.map(splitEntity),
		order_status: statusOf(order),
		order_tags: order.tags,
		payment_session_id: order.payment_session_id,
		products: null,
		terminal_data: null,
	};
}

export function methodEntity({ method, bank, card_last4 }: Payment) {
	switch (method) {
		case "upi":
			return {
				upi: { channel: "link", upi_id: "asha.rao@okbank", upi_payer_ifsc: null, upi_payer_account_number: "" },
			};
		case "card":
			return {
				card: {
					channel: "link",
					card_number: `XXXXXXXXXXXX${card_last4}`,
					card_network: "visa",
					card_type: "credit_card",
					card_sub_type: "R",
					card_country: "IN",
					card_bank_name: "HDFC BANK",
				},
			};
		case "netbanking":
			return {
				netbanking: { channel: "link", netbanking_bank_code: 3021, netbanking_bank_name: bank ?? "HDFC Bank" },
			};
	}
}

export function errorDetails({ error }: Payment) {
	return error === null
		? null
		: {
				error_code: error.code,
				error_description: error.description,
				error_reason: error.reason,
				error_source: error.source,
				error_code_raw: null,
				error_description_raw: null,
				error_subcode_raw: null,
			};
}

export function gatewayDetails({ cf_payment_id }: Payment) {
	return {
		gateway_name: "CASHFREE",
		gateway_order_id: null,
		gateway_payment_id: cf_payment_id,
		gateway_order_reference_id: null,
		gateway_settlement: "CASHFREE",
		gateway_status_code: null,
		gateway_reference_name: null,
	};
}

export function paymentEntity(order: Order, payment: Payment) {
	const isHeld = payment.status === "SUCCESS" && !payment.is_captured;
	return {
		auth_id: payment.auth_id,
		authorization: isHeld ? { action: "CAPTURE", status: "PENDING", captured_amount: 0 } : null,
		bank_reference: payment.bank_reference,
		cf_payment_id: payment.cf_payment_id,
		entity: "payment",
		error_details: errorDetails(payment),
		international_payment: { international: false },
		is_captured: payment.is_captured,
		order_amount: rupeesOf(order.amount),
		order_currency: order.currency,
		order_id: order.order_id,
		payment_amount: rupeesOf(payment.amount),
		payment_completion_time: payment.completed_at === null ? null : istTime(payment.completed_at),
		payment_currency: payment.currency,
		payment_gateway_details: gatewayDetails(payment),
		payment_group: GROUPS[payment.method],
		payment_message: payment.message,
		payment_method: methodEntity(payment),
		payment_offers: null,
		payment_status: payment.status,
		payment_surcharge: null,
		payment_time: istTime(payment.created_at),
	};
}

export function refundEntity(order: Order, refund: Refund) {
	return {
		cf_payment_id: refund.cf_payment_id,
		cf_refund_id: refund.cf_refund_id,
		charges_currency: null,
		created_at: istTime(refund.created_at),
		entity: "refund",
		metadata: null,
		order_id: order.order_id,
		processed_at: refund.processed_at === null ? null : istTime(refund.processed_at),
		refund_amount: rupeesOf(refund.amount),
		refund_arn: refund.arn,
		refund_charge: 0,
		refund_currency: refund.currency,
		refund_id: refund.refund_id,
		refund_mode: refund.speed,
		refund_note: refund.note,
		refund_speed: { requested: refund.speed, accepted: refund.speed, processed: refund.speed, message: null },
		refund_splits: [],
		refund_status: refund.status,
		refund_type: refund.type,
		status_description:
			refund.status === "SUCCESS"
				? "Refund processed successfully"
				: refund.status === "PENDING"
					? "In Progress"
					: "Refund was cancelled after the bank declined it",
	};
}

export function reconEntity({ settlement, stored: { order }, payment, refund }: SettlementLine) {
	const charge = refund === null ? payment.service_charge : 0;
	const tax = refund === null ? payment.service_tax : 0;
	const amount = (refund ?? payment).amount;
	return {
		event_details: {
			entity: "recon",
			event_id: refund?.cf_refund_id ?? payment.cf_payment_id,
			event_type: refund === null ? "PAYMENT" : "REFUND",
			event_amount: rupeesOf(amount),
			event_currency: payment.currency,
			event_service_charge: rupeesOf(charge),
			event_service_tax: rupeesOf(tax),
			event_settlement_amount: rupeesOf(amount - charge - tax),
			event_status: "SUCCESS",
			event_time: istTime((refund ?? payment).created_at),
			event_remarks: null,
			sale_type: refund === null ? "CREDIT" : "DEBIT",
		},
		order_details: {
			order_id: order.order_id,
			order_amount: rupeesOf(order.amount),
			order_currency: order.currency,
			order_tags: order.tags,
		},
		customer_details: { customer_bank_account_number: null, customer_bank_code: null, ...order.customer },
		payment_details: {
			cf_payment_id: payment.cf_payment_id,
			payment_amount: rupeesOf(payment.amount),
			payment_currency: payment.currency,
			payment_group: GROUPS[payment.method].toUpperCase(),
			payment_service_charge: rupeesOf(payment.service_charge),
			payment_service_tax: rupeesOf(payment.service_tax),
			payment_time: istTime(payment.created_at),
			bank_reference: payment.bank_reference,
			status: payment.status,
		},
		settlement_details: {
			cf_settlement_id: settlement.cf_settlement_id,
			settlement_date: istTime(settlement.settled_at),
			settlement_utr: settlement.utr,
			settlement_type: "NORMAL_SETTLEMENT",
			vendor_commission: 0,
		},
		dispute_details: [],
		refund_details:
			refund === null
				? []
				: [
						{
							refund_id: refund.refund_id,
							refund_arn: refund.arn,
							refund_note: refund.note,
							refund_processed_at: refund.processed_at === null ? null : istTime(refund.processed_at),
						},
					],
	};
}
