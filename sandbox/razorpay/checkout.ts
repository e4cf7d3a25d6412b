import { createHmac } from "node:crypto";
import { type Request, type Response, Router } from "express";
import { z } from "zod";
import { randomAlphanumeric } from "../ids.ts";
import { sendPage } from "../page.ts";
import {
	type CheckoutSession,
	choosePage,
	outcomePage,
	problemPage,
	type ReturnForm,
	waitingPage,
} from "./checkout-page.ts";
import { accountOf, payOrder, type RazorpayContext } from "./payments.ts";
import type { Payment, StoredOrder } from "./store.ts";

const MAX_SESSIONS = 5_000;

const webUrl = z.url({ protocol: /^https?$/ }).max(2_000);

/** The form that a merchant's page posts; what else it carries is of no consequence here. */
const openSchema = z.object({
	key_id: z.string().min(1),
	order_id: z.string().min(1),
	name: z.string().max(200).optional(),
	description: z.string().max(500).optional(),
	callback_url: webUrl.optional(),
	cancel_url: webUrl.optional(),
	method: z.enum(["upi", "card", "netbanking"]).optional().catch(undefined),
	"prefill[email]": z.string().max(200).optional(),
	"prefill[contact]": z.string().max(40).optional(),
});

const paySchema = z.object({
	outcome: z.enum(["success", "failure", "pending"]),
	method: z.enum(["upi", "card", "netbanking"]),
	reason: z.string().max(60).optional(),
	bank: z.string().max(20).optional(),
	card_number: z.string().max(40).optional(),
});

function formOf(req: Request): Record<string, string> {
	return Buffer.isBuffer(req.body) ? Object.fromEntries(new URLSearchParams(req.body.toString("utf8"))) : {};
}

/** The page on Razorpay's side where the payer chooses how to pay, and the ways back to the merchant. */
export function createCheckout(context: RazorpayContext): Router {
	const sessions = new Map<string, CheckoutSession>();
	const router = Router();

	function open(req: Request, res: Response) {
		const form = openSchema.safeParse(req.method === "POST" ? formOf(req) : req.query);
		if (!form.success) {
			const issue = form.error.issues[0]!;
			return sendPage(res, 400, problemPage(`The field ${issue.path.join(".")} is missing or not valid.`));
		}
		const { key_id, order_id, ...fields } = form.data;
		if (context.store.findOrder(key_id, order_id) === undefined) {
			return sendPage(res, 400, problemPage("The id provided does not exist"));
		}
		const session: CheckoutSession = {
			id: randomAlphanumeric(20),
			key_id,
			order_id,
			name: fields.name || "Test merchant",
			description: fields.description || null,
			callback_url: fields.callback_url ?? null,
			cancel_url: fields.cancel_url ?? null,
			method: fields.method ?? "upi",
			email: fields["prefill[email]"],
			contact: fields["prefill[contact]"],
		};
		sessions.set(session.id, session);
		if (sessions.size > MAX_SESSIONS) sessions.delete(sessions.keys().next().value!);
		res.redirect(303, `${req.baseUrl}/embedded/${session.id}`);
	}

	function sessionOf(req: Request, res: Response): { session: CheckoutSession; stored: StoredOrder } | null {
		const session = sessions.get(String(req.params.session));
		const stored = session && context.store.findOrder(session.key_id, session.order_id);
		if (session && stored) return { session, stored };
		sendPage(res, 410, problemPage("This checkout is over. Go back to the shop and start again."));
		return null;
	}

	router.post("/embedded", open);
	router.get("/embedded", open);

	router.get("/embedded/:session", (req, res) => {
		const found = sessionOf(req, res);
		if (found === null) return;
		const { session, stored } = found;
		const paid = stored.payments.findLast(({ captured }) => captured);
		const latest = stored.payments.at(-1);
		if (paid)
			return sendPage(res, 200, outcomePage(session, stored.order, paid, successForm(context, session, stored, paid)));
		if (latest?.status === "authorized") return sendPage(res, 200, outcomePage(session, stored.order, latest, null));
		if (latest?.status === "created") return sendPage(res, 200, waitingPage(session, stored.order, latest));
		const failure = latest?.status === "failed" ? { payment: latest, form: failureForm(session, latest) } : null;
		sendPage(res, 200, choosePage(session, stored.order, failure));
	});

	router.post("/embedded/:session/pay", (req, res) => {
		const found = sessionOf(req, res);
		if (found === null) return;
		const { session, stored } = found;
		const form = paySchema.safeParse(formOf(req));
		if (!form.success) return sendPage(res, 400, problemPage("Choose how to pay and what the bank answers."));
		const { outcome, method, reason, bank, card_number } = form.data;
		session.method = method;
		// A second press of the button, or another tab, must not pay twice.
		if (!stored.payments.some(({ captured }) => captured)) {
			payOrder(
				context,
				stored,
				{ outcome, method, reason, webhook: { duplicate: 0, delay_ms: 0, skip: false, forge: false, reorder: false } },
				{
					bank,
					card_last4: card_number?.replace(/\D/g, "").slice(-4),
					email: session.email,
					contact: session.contact,
				},
			);
		}
		res.redirect(303, `${req.baseUrl}/embedded/${session.id}`);
	});

	return router;
}

function successForm(
	context: RazorpayContext,
	session: CheckoutSession,
	stored: StoredOrder,
	payment: Payment,
): ReturnForm | null {
	if (session.callback_url === null) return null;
	const signature = createHmac("sha256", accountOf(context, stored).api_secret)
		.update(`${stored.order.id}|${payment.id}`)
		.digest("hex");
	return {
		action: session.callback_url,
		fields: {
			razorpay_payment_id: payment.id,
			razorpay_order_id: stored.order.id,
			razorpay_signature: signature,
		},
	};
}

/** Unsigned, as Razorpay's own is. */
function failureForm(session: CheckoutSession, payment: Payment): ReturnForm | null {
	if (session.callback_url === null) return null;
	return {
		action: session.callback_url,
		fields: {
			"error[code]": payment.error_code!,
			"error[description]": payment.error_description!,
			"error[source]": payment.error_source!,
			"error[step]": payment.error_step!,
			"error[reason]": payment.error_reason!,
			"error[metadata]": JSON.stringify({ payment_id: payment.id, order_id: payment.order_id }),
		},
	};
}
