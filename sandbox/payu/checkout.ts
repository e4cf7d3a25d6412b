import { type Request, type Response, Router } from "express";
import { z } from "zod";
import { sendPage } from "../page.ts";
import type { Account } from "../registry.ts";
import { choosePage, outcomePage, problemPage, type ReturnForm, waitingPage } from "./checkout-page.ts";
import { type Fields, formHash, sameHash } from "./hash.ts";
import { accountOf, type PayuContext, payOrder } from "./payments.ts";
import { type Payment, readSplits, type StoredOrder, tellingPayment } from "./store.ts";
import { PLAIN_MANNER, responseFields } from "./webhooks.ts";

const MAX_TXNID_LENGTH = 25;
const MIN_AMOUNT = 1;

const webUrl = z.url({ protocol: /^https?$/ }).max(2_000);

/** What a merchant's form must hold; the rest is kept as it came. */
const openSchema = z.looseObject({
	key: z.string().min(1),
	txnid: z.string().min(1).max(MAX_TXNID_LENGTH),
	amount: z.string().regex(/^\d{1,9}(\.\d{1,2})?$/),
	productinfo: z.string().min(1).max(100),
	firstname: z.string().min(1).max(60),
	email: z.string().min(3).max(50),
	phone: z.string().min(1).max(50),
	surl: webUrl,
	furl: webUrl,
	hash: z.string().min(1),
});

const splitSchema = z.object({
	type: z.literal("absolute"),
	splitInfo: z.record(z.string(), z.record(z.string(), z.unknown())),
});

const paySchema = z.object({
	key: z.string(),
	txnid: z.string(),
	outcome: z.enum(["success", "failure", "pending"]),
	method: z.enum(["upi", "card", "netbanking"]),
	reason: z.string().max(60).optional(),
});

function formOf(req: Request): Fields {
	return Buffer.isBuffer(req.body) ? Object.fromEntries(new URLSearchParams(req.body.toString("utf8"))) : {};
}

/** Why PayU does not take the form; null when it does. */
function faultIn(account: Account | undefined, form: Fields): string | null {
	const parsed = openSchema.safeParse(form);
	if (!parsed.success) return `The field ${parsed.error.issues[0]!.path.join(".")} is missing or not valid.`;
	if (account === undefined) return "The merchant key is not known.";
	if (!sameHash(formHash(account, form), form.hash)) {
		return "The hash does not match the fields: transaction failed due to incorrectly calculated hash parameter.";
	}
	if (Number(form.amount) < MIN_AMOUNT) return "The amount must be one rupee at least.";
	return form.splitRequest === undefined ? null : faultInSplit(account, form);
}

function faultInSplit({ api_key }: Account, form: Fields): string | null {
	try {
		const { splitInfo } = splitSchema.parse(JSON.parse(form.splitRequest!));
		const sum = readSplits(splitInfo, api_key).reduce((total, part) => total + part.amount, 0);
		return sum === paiseOf(form)
			? null
			: "AGG-108: Total amount provided in split doesn't match the transaction amount.";
	} catch {
		return "AGG-107: Invalid split payload in payment request.";
	}
}

function paiseOf(form: Fields): number {
	return Math.round(Number(form.amount) * 100);
}

/** The page on PayU's side where the payer chooses how to pay, and the ways back to the merchant. */
export function createCheckout(context: PayuContext): Router {
	const router = Router();

	router.post("/_payment", (req, res) => {
		const form = formOf(req);
		const account = context.registry.findAccount("payu", form.key ?? "");
		const fault = faultIn(account, form);
		if (fault !== null) return sendPage(res, 400, problemPage(fault));
		const known = context.store.findOrder(account!.api_key, form.txnid!);
		if (known !== undefined && known.form.hash !== form.hash) {
			return sendPage(res, 400, problemPage("This transaction id was used for another payment."));
		}
		if (known === undefined) context.store.openOrder(account!.api_key, form, paiseOf(form));
		res.redirect(303, pagePath(form));
	});

	router.get("/_payment_options", (req, res) => {
		const stored = orderOf(req.query as Fields, res);
		if (stored === null) return;
		const payment = tellingPayment(stored);
		if (payment === undefined || (payment.status === "failure" && req.query.again !== undefined)) {
			return sendPage(res, 200, choosePage(stored));
		}
		if (payment.status === "pending")
			return sendPage(res, 200, waitingPage(stored, payment, returnForm(stored, payment)));
		sendPage(res, 200, outcomePage(stored, payment, returnForm(stored, payment)));
	});

	router.post("/_payment_options", (req, res) => {
		const form = paySchema.safeParse(formOf(req));
		if (!form.success) return sendPage(res, 400, problemPage("Choose how to pay and what the bank answers."));
		const { outcome, method, reason } = form.data;
		const stored = orderOf(form.data, res);
		if (stored === null) return;
		// Null after a second press of the button, or in another tab: the payment is made already.
		payOrder(context, stored, { outcome, method, reason, webhook: PLAIN_MANNER });
		res.redirect(303, pagePath({ key: stored.api_key, txnid: stored.form.txnid! }));
	});

	function orderOf({ key, txnid }: Fields | z.infer<typeof paySchema>, res: Response): StoredOrder | null {
		const stored = context.store.findOrder(String(key), String(txnid));
		if (stored !== undefined) return stored;
		sendPage(res, 410, problemPage("This payment is over. Go back to the shop and start again."));
		return null;
	}

	function returnForm(stored: StoredOrder, payment: Payment): ReturnForm {
		const { surl = "", furl = "" } = stored.form;
		return {
			action: payment.status === "success" ? surl : furl,
			fields: responseFields(accountOf(context, stored), stored, payment),
		};
	}

	return router;
}

function pagePath({ key, txnid }: Fields): string {
	return `/payu/_payment_options?${new URLSearchParams({ key: key!, txnid: txnid! })}`;
}
