import { type Request, type Response, Router } from "express";
import { z } from "zod";
import { sendPage } from "../page.ts";
import { choosePage, closedPage, paidPage, problemPage, waitingPage } from "./checkout-page.ts";
import { cancelOrder, type PhonePeContext, payOrder } from "./payments.ts";
import type { Order } from "./store.ts";

const paySchema = z.object({
	outcome: z.enum(["success", "failure", "pending"]),
	method: z.enum(["upi", "card", "netbanking"]),
	reason: z.string().max(60).optional(),
});

/** PhonePe's page, where the payer chooses how to pay; afterwards the browser goes to the merchant's redirectUrl by GET. */
export function createCheckout(context: PhonePeContext): Router {
	const router = Router();

	function orderOf(req: Request, res: Response): Order | null {
		const { token } = req.query;
		const order = typeof token === "string" ? context.store.openPage(token) : undefined;
		if (order !== undefined) return order;
		sendPage(res, 410, problemPage("This payment is over. Go back to the shop and start again."));
		return null;
	}

	router.get("/", (req, res) => {
		const order = orderOf(req, res);
		if (order === null) return;
		const latest = order.payments.at(-1);
		if (order.state === "COMPLETED") return sendPage(res, 200, paidPage(order));
		if (order.state === "FAILED") return sendPage(res, 200, closedPage(order));
		if (latest?.state === "PENDING") return sendPage(res, 200, waitingPage(order, latest));
		sendPage(res, 200, choosePage(order, latest ?? null));
	});

	router.post("/pay", (req, res) => {
		const order = orderOf(req, res);
		if (order === null) return;
		const form = paySchema.safeParse(
			Buffer.isBuffer(req.body) ? Object.fromEntries(new URLSearchParams(req.body.toString("utf8"))) : {},
		);
		if (!form.success) {
			return sendPage(res, 400, problemPage("Choose how to pay and what the bank answers."));
		}
		// Takes nothing when another tab, or a second press of the button, has been there before.
		payOrder(context, order, {
			...form.data,
			webhook: { duplicate: 0, delay_ms: 0, skip: false, forge: false, reorder: false },
		});
		res.redirect(303, `${req.baseUrl}?token=${order.pageToken}`);
	});

	router.post("/cancel", (req, res) => {
		const order = orderOf(req, res);
		if (order === null) return;
		cancelOrder(context, order);
		res.redirect(303, order.redirectUrl ?? `${req.baseUrl}?token=${order.pageToken}`);
	});

	return router;
}
