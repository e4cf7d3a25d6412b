/** Refunds of a payment: what there is, what is left, and a new one. */
import { POLICIES } from "../../../../config/policies.ts";
import {
	callDatabase,
	holdsPolicy,
	isUuid,
	itemsOf,
	type Router,
	readBody,
	readId,
	readText,
	refuse,
	type Studio,
} from "./context.ts";
import { addRoute } from "./routes.ts";

const REFUNDERS = [POLICIES.operator, POLICIES.finance];
const PAID = ["paid", "partially_refunded", "refunded"];

export function addRefundRoutes(router: Router, studio: Studio): void {
	// With the rights of the person who asks.
	addRoute(router, studio, {
		method: "get",
		path: "/transactions/:id/refunds",
		who: "reader",
		answer: async (req, actor) => {
			const id = readId(req, "transactions");
			const payment = await itemsOf(studio, req, "transactions").readOne(id, {
				fields: ["order_id", "status", "amount", "currency", "gateway_id.provider"],
			});
			const [refunds, attempts, may_refund] = await Promise.all([
				itemsOf(studio, req, "refunds").readByQuery({
					filter: { transaction_id: { _eq: id } },
					fields: REFUND_FIELDS,
					sort: ["id"],
					limit: 500,
				}),
				itemsOf(studio, req, "payment_attempts").readByQuery({
					filter: { transaction_id: { _eq: id }, status: { _eq: "succeeded" } },
					fields: ["payable_amount", "amount"],
					sort: ["settled_at"],
					limit: 1,
				}),
				holdsPolicy(studio, actor, REFUNDERS),
			]);
			// With direct UPI some paise less than the payment may have been asked for.
			const captured = Number(attempts[0]?.payable_amount ?? payment.amount);
			const sum = (statuses: string[]) =>
				refunds
					.filter(({ kind, status }) => kind === "requested" && statuses.includes(status as string))
					.reduce((total, { amount }) => total + Number(amount), 0);
			const refunded = sum(["succeeded"]);
			const under_way = sum(["created", "pending", "unknown"]);
			const is_paid = PAID.includes(payment.status as string);
			return {
				order_id: payment.order_id,
				status: payment.status,
				currency: payment.currency,
				captured,
				refunded,
				under_way,
				left: is_paid ? captured - refunded - under_way : 0,
				is_paid,
				may_refund,
				provider: (payment.gateway_id as { provider: string } | null)?.provider ?? null,
				refunds,
			};
		},
	});

	addRoute(router, studio, {
		method: "post",
		path: "/refunds",
		who: REFUNDERS,
		answer: async (req, actor) => {
			const body = readBody(req);
			if (!isUuid(body.transaction_id)) refuse(`"transaction_id" must be the id of a payment`);
			const amount = body.amount ?? null;
			// Paise; null gives back what is left.
			if (amount !== null && (!Number.isSafeInteger(amount) || Number(amount) < 1)) {
				refuse(`"amount" must be whole paise above zero`);
			}
			// The same key gives back once, however often it is sent.
			const key = body.key ?? null;
			if (key !== null && !isUuid(key)) refuse(`"key" must be a UUID, a new one for each refund`);
			const [row] = await callDatabase(
				studio,
				"select public.create_refund_for_operator(?::uuid, ?::bigint, ?, ?, ?::uuid) as refund",
				[body.transaction_id, amount, readText(body, "reason", 500), actor, key],
			);
			return row!.refund;
		},
	});

	// One that cannot be settled by itself, by somebody who has looked at the provider or paid by bank transfer.
	addRoute(router, studio, {
		method: "post",
		path: "/refunds/:id/resolve",
		who: REFUNDERS,
		answer: async (req, actor) => {
			const body = readBody(req);
			if (body.outcome !== "succeeded" && body.outcome !== "failed") refuse(`"outcome" must be succeeded or failed`);
			const reason = readText(body, "reason", 500);
			if (reason === null) refuse("Say how you know: it is kept in the audit log");
			const [row] = await callDatabase(studio, "select public.resolve_refund(?::uuid, ?, ?, ?, ?) as refund", [
				readId(req, "refunds"),
				body.outcome,
				readText(body, "bank_reference", 100),
				reason,
				actor,
			]);
			return row!.refund;
		},
	});
}

const REFUND_FIELDS = [
	"id",
	"kind",
	"amount",
	"status",
	"reason",
	"bank_reference",
	"error_code",
	"error_message",
	"requested_by",
	"created_at",
	"completed_at",
];
