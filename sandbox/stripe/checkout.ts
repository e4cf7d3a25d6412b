import { type Request, type Response, Router } from "express";
import { z } from "zod";
import { sendPage } from "../page.ts";
import { choosePage, donePage, problemPage, waitingPage } from "./checkout-page.ts";
import { endOverdue, payOrder, type StripeContext } from "./payments.ts";
import { METHODS, type Session, type StoredOrder } from "./store.ts";

const paySchema = z.object({
	outcome: z.enum(["success", "failure", "pending"]),
	method: z.enum(METHODS),
	reason: z.string().max(60).optional(),
});

function formOf(req: Request): Record<string, string> {
	return Buffer.isBuffer(req.body) ? Object.fromEntries(new URLSearchParams(req.body.toString("utf8"))) : {};
}

/** Where a payer goes who is through with the page. */
function successUrl({ success_url, id }: Session): string {
	return success_url.replaceAll("{CHECKOUT_SESSION_ID}", id);
}

/** The page on Stripe's side where the payer chooses how to pay, and the ways back to the merchant. */
export function createCheckout(context: StripeContext): Router {
	const router = Router();

	function orderOf(req: Request, res: Response): StoredOrder | null {
		const stored = context.store.findOrder(String(req.params.session));
		if (stored === undefined) {
			sendPage(res, 404, problemPage("Stripe knows no such checkout."));
			return null;
		}
		endOverdue(context, stored);
		return stored;
	}

	router.get("/:session", (req, res) => {
		const stored = orderOf(req, res);
		if (stored === null) return;
		const { session, intent } = stored;
		if (session.status === "expired") {
			return sendPage(res, 410, problemPage("Your checkout session has expired. Go back to the shop and start again."));
		}
		if (session.status === "complete") return sendPage(res, 200, donePage(stored, successUrl(session)));
		if (intent?.status === "requires_action") return sendPage(res, 200, waitingPage(stored));
		sendPage(res, 200, choosePage(stored));
	});

	router.post("/:session/pay", (req, res) => {
		const stored = orderOf(req, res);
		if (stored === null) return;
		const form = paySchema.safeParse(formOf(req));
		if (!form.success) return sendPage(res, 400, problemPage("Choose how to pay and what the bank answers."));
		// A second press of the button, or another tab, must not pay twice.
		if (stored.session.status === "open") {
			payOrder(context, stored, {
				...form.data,
				webhook: { duplicate: 0, delay_ms: 0, skip: false, forge: false, reorder: false },
			});
		}
		res.redirect(303, `${req.baseUrl}/${stored.session.id}`);
	});

	return router;
}
