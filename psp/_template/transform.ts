/** The PSP's objects read into ours. */

import { z } from "zod";
import type { CreateOrderInput, CreateOrderResult, PspFailure } from "../adapter.ts";
import { type Exchange, readRetryAfter } from "../exchange.ts";
import { codeByHttpStatus, uncertainHttpStatuses } from "./error-map.ts";

export const orderSchema = z.object({
	id: z.string().min(1),
	amount: z.int(),
	currency: z.string(),
	payment_url: z.url(),
});

export function orderResult(order: z.infer<typeof orderSchema>, input: CreateOrderInput): CreateOrderResult {
	if (order.amount !== input.amount || order.currency !== input.currency) {
		return {
			outcome: "failed",
			error: {
				code: "amount_mismatch",
				psp_code: null,
				message: `The PSP's order is for ${order.amount} ${order.currency}`,
				http_status: null,
				retry_after_seconds: null,
			},
			raw: order,
		};
	}
	return {
		outcome: "succeeded",
		psp_order_id: order.id,
		presentation: { kind: "redirect", url: order.payment_url },
		raw: order,
	};
}

/** An exchange that did not end in a readable success. `failed` only where the PSP certainly did not act. */
export function failureOf(exchange: Exchange): PspFailure {
	if (exchange.kind !== "answered") {
		const timed_out = exchange.kind === "lost" && exchange.timed_out;
		return {
			outcome: exchange.kind === "never_sent" ? "failed" : "unknown",
			error: {
				code: timed_out ? "timed_out" : "psp_unavailable",
				psp_code: exchange.reason,
				message: exchange.kind === "never_sent" ? "The PSP could not be reached" : "No whole answer came",
				http_status: null,
				retry_after_seconds: null,
			},
			raw: null,
		};
	}
	const { http_status, headers } = exchange;
	const refused = http_status >= 400 && http_status < 500 && !uncertainHttpStatuses.has(http_status);
	const otherwise = refused ? "invalid_request" : http_status >= 500 ? "psp_unavailable" : "unreadable_answer";
	return {
		outcome: refused ? "failed" : "unknown",
		error: {
			code: codeByHttpStatus[http_status] ?? otherwise,
			psp_code: null,
			message: `The PSP answered HTTP ${http_status}`,
			http_status,
			retry_after_seconds: readRetryAfter(headers),
		},
		raw: { http_status },
	};
}
