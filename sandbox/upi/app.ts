import { type Request, Router } from "express";
import { z } from "zod";
import { randomAlphanumeric } from "../ids.ts";
import { sendPage } from "../page.ts";
import { payPage, startPage, transferPage } from "./app-page.ts";
import { readLink } from "./link.ts";
import { BANKS, statementOf } from "./statement.ts";
import { PAYERS, type Transfer, type UpiStore } from "./store.ts";

const MAX_ATTEMPTS = 5_000;

const outcome = z.enum(["success", "failure", "pending"]);
const paySchema = z.object({
	uri: z.string(),
	attempt: z.string().min(1).max(40),
	outcome,
	payer: z.string(),
	amount: z
		.string()
		.regex(/^\d{1,10}(\.\d{1,2})?$/)
		.transform((rupees) => Math.round(Number(rupees) * 100))
		.optional()
		.catch(undefined),
});
const decideSchema = z.object({ outcome });
const statementSchema = z.object({ vpa: z.string().min(3).max(255), bank: z.enum(BANKS).default("plain") });

function formOf(req: Request): Record<string, string> {
	return Buffer.isBuffer(req.body) ? Object.fromEntries(new URLSearchParams(req.body.toString("utf8"))) : {};
}

/** The payer's app and the payee's bank, as far as a person uses them. */
export function createUpiApp(store: UpiStore): Router {
	const router = Router();
	/** What a page's button has done already: a second press, or another tab, must not pay twice. */
	const attempts = new Map<string, Transfer>();

	const start = (problem: string | null, uri?: string) =>
		startPage(
			store.recentLinks(20).map(({ link }) => ({
				link,
				is_paid: store.transfersOf(link).some(({ status }) => status === "success"),
			})),
			store.recentVpas(20),
			problem,
			uri,
		);

	router.get("/", (_req, res) => sendPage(res, 200, start(null)));

	router.get("/app", (req, res) => {
		const uri = typeof req.query.uri === "string" ? req.query.uri.trim() : "";
		if (uri === "") return sendPage(res, 200, start(null));
		const reading = readLink(uri);
		if (!reading.ok) return sendPage(res, 400, start(reading.problem, uri));
		const link = store.open(reading.link);
		sendPage(res, 200, payPage(link, store.transfersOf(link), randomAlphanumeric(20)));
	});

	router.post("/app/pay", (req, res) => {
		const form = paySchema.safeParse(formOf(req));
		const reading = readLink(form.data?.uri ?? "");
		if (!form.success || !reading.ok) return sendPage(res, 400, start("The form was not whole."));
		const { attempt, outcome, payer: vpa } = form.data;
		const link = store.open(reading.link);
		const amount = link.amount ?? form.data.amount;
		if (amount === undefined && outcome === "failure") return res.redirect(303, "/upi");
		if (amount === undefined || amount < 1) return sendPage(res, 400, start("Say how much to pay.", link.uri));
		const payer = PAYERS.find((person) => person.vpa === vpa) ?? PAYERS[0];
		const transfer = attempts.get(attempt) ?? store.pay(link, outcome, { amount, payer });
		attempts.set(attempt, transfer);
		if (attempts.size > MAX_ATTEMPTS) attempts.delete(attempts.keys().next().value!);
		res.redirect(303, `/upi/app/transfers/${transfer.id}`);
	});

	router.get("/app/transfers/:id", (req, res) => {
		const transfer = store.transfer(req.params.id);
		if (transfer === undefined) return sendPage(res, 404, start("The app knows no such payment."));
		sendPage(res, 200, transferPage(transfer));
	});

	router.post("/app/transfers/:id/decide", (req, res) => {
		const transfer = store.transfer(req.params.id);
		const form = decideSchema.safeParse(formOf(req));
		if (transfer === undefined || !form.success) return sendPage(res, 400, start("The form was not whole."));
		store.decide(transfer, form.data.outcome);
		res.redirect(303, `/upi/app/transfers/${transfer.id}`);
	});

	router.get("/statement.csv", (req, res) => {
		const query = statementSchema.safeParse(req.query);
		if (!query.success) {
			const message = `Say whose account with vpa, and bank as one of ${BANKS.join(", ")}`;
			return res.status(400).json({ error: { code: "invalid_request", message } });
		}
		const { vpa, bank } = query.data;
		res
			.set({ "Content-Disposition": `attachment; filename="statement-${bank}.csv"`, "Cache-Control": "no-store" })
			.type("text/csv")
			.send(statementOf(vpa, bank, store.creditsOf(vpa)));
	});

	return router;
}
