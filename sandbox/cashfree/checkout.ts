import { type Request, type Response, Router } from "express";
import { z } from "zod";
import { sendPage } from "../page.ts";
import { choosePage, outcomePage, problemPage, returnUrlOf, waitingPage } from "./checkout-page.ts";
import { type CashfreeContext, payOrder } from "./payments.ts";
import { type StoredOrder, statusOf } from "./store.ts";

const paySchema = z.object({
	outcome: z.enum(["success", "failure", "pending", "dropped"]),
	method: z.enum(["upi", "card", "netbanking"]),
	reason: z.string().max(60).optional(),
});

const PLAIN_MANNER = { duplicate: 0, delay_ms: 0, skip: false, forge: false, reorder: false };

function formOf(req: Request): Record<string, string> {
	return Buffer.isBuffer(req.body) ? Object.fromEntries(new URLSearchParams(req.body.toString("utf8"))) : {};
}

/** The page on Cashfree's side where the payer chooses how to pay, and the way back to the merchant. */
export function createCheckout(context: CashfreeContext): Router {
	const router = Router();

	function sessionOf(req: Request, res: Response): StoredOrder | null {
		const stored = context.store.findSession(String(req.params.session));
		if (stored === undefined) {
			sendPage(res, 400, problemPage("payment_session_id is not present or is invalid"));
			return null;
		}
		const status = statusOf(stored.order);
		const isOver = status === "EXPIRED" || status === "TERMINATED" || status === "TERMINATION_REQUESTED";
		// A payment that has begun is still waited for.
		if (isOver && !stored.payments.some((payment) => payment.status === "PENDING")) {
			sendPage(res, 410, problemPage("This order can no longer be paid. Go back to the shop and start again."));
			return null;
		}
		return stored;
	}

	router.post("/", (req, res) => {
		const { payment_session_id = "" } = formOf(req);
		if (context.store.findSession(payment_session_id) === undefined) {
			return sendPage(res, 400, problemPage("payment_session_id is not present or is invalid"));
		}
		res.redirect(303, `${req.baseUrl}/web/${payment_session_id}`);
	});

	router.get("/web/:session", (req, res) => {
		const stored = sessionOf(req, res);
		if (stored === null) return;
		const { order, payments } = stored;
		const success = payments.findLast(({ status }) => status === "SUCCESS");
		const latest = payments.at(-1);
		if (success) return sendPage(res, 200, outcomePage(order, success));
		if (latest?.status === "PENDING") return sendPage(res, 200, waitingPage(order, latest));
		sendPage(res, 200, choosePage(order, latest?.status === "FAILED" ? latest : null));
	});

	router.post("/web/:session/pay", (req, res) => {
		const stored = sessionOf(req, res);
		if (stored === null) return;
		const form = paySchema.safeParse(formOf(req));
		if (!form.success) return sendPage(res, 400, problemPage("Choose how to pay and what the bank answers."));
		const { order, payments } = stored;
		// A second press of the button, or another tab, must not pay twice; and who gives up after a decline has begun nothing.
		const hasGivenUp = form.data.outcome === "dropped" && payments.at(-1)?.status === "FAILED";
		if (!hasGivenUp && !payments.some(({ status }) => status === "SUCCESS")) {
			payOrder(context, stored, { ...form.data, webhook: PLAIN_MANNER });
		}
		if (form.data.outcome === "dropped" && order.return_url !== null) return res.redirect(303, returnUrlOf(order));
		res.redirect(303, `${req.baseUrl}/web/${order.payment_session_id}`);
	});

	return router;
}
