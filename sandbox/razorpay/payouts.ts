/** RazorpayX: payouts from a merchant's current account. Shapes: razorpay docs api/x/payouts, webhooks/payouts. */
import { createHmac } from "node:crypto";
import { type NextFunction, type Request, type Response, Router } from "express";
import { randomAlphanumeric } from "../ids.ts";
import {
	type PayoutInstruction,
	type PayoutReport,
	PayoutStore,
	payoutSettingsSchema,
	type StoredPayout,
} from "../payouts.ts";
import type { Account, Registry } from "../registry.ts";
import type { WebhookSender } from "../webhook-sender.ts";
import { authenticate, readJson } from "./api.ts";
import { idNotFound, RazorpayError, urlNotFound } from "./errors.ts";
import { unixNow } from "./store.ts";

export interface RazorpayPayouts {
	router: Router;
	store: PayoutStore;
	decide(instruction: PayoutInstruction): PayoutReport | null;
}

const MODES = new Set(["NEFT", "RTGS", "IMPS", "UPI", "card"]);
const DETAILS: Record<StoredPayout["status"], { description: string; source: string; reason: string }> = {
	processing: {
		description: "Payout is being processed by our partner bank",
		source: "gateway",
		reason: "payout_bank_processing",
	},
	processed: {
		description: "Payout is processed and the money has been credited into the beneficiaries account",
		source: "beneficiary_bank",
		reason: "payout_processed",
	},
	reversed: {
		description: "Payout failed as the beneficiary's bank is unreachable. The amount was credited back",
		source: "beneficiary_bank",
		reason: "beneficiary_bank_offline",
	},
	failed: {
		description: "Payout failed as the beneficiary's account is closed",
		source: "beneficiary_bank",
		reason: "bank_account_closed",
	},
};

function entityOf(payout: StoredPayout) {
	return {
		id: payout.id,
		entity: "payout",
		fund_account_id: payout.destination,
		amount: payout.amount,
		currency: "INR",
		notes: [],
		fees: payout.status === "processing" ? 0 : 590,
		tax: payout.status === "processing" ? 0 : 90,
		status: payout.status,
		purpose: "vendor bill",
		utr: payout.utr,
		mode: payout.mode,
		reference_id: payout.reference,
		narration: payout.remarks,
		batch_id: null,
		status_details: { ...DETAILS[payout.status], ...(payout.reason !== null && { reason: payout.reason }) },
		created_at: Math.floor(payout.created_at.getTime() / 1000),
		fee_type: "",
	};
}

const missing = (field: string) =>
	new RazorpayError(400, `The ${field.replaceAll("_", " ")} field is required.`, { field });

export function createPayouts(registry: Registry, sender: WebhookSender, capacity: number): RazorpayPayouts {
	const store = new PayoutStore(capacity);
	const router = Router();

	const tell = (account: Account, payout: StoredPayout, manner: PayoutInstruction["webhook"]) => {
		if (manner.skip || !account.webhook_url || !account.webhook_secret) return [];
		const event = `payout.${payout.status === "processing" ? "initiated" : payout.status}`;
		const event_id = randomAlphanumeric(14);
		const body = JSON.stringify({
			entity: "event",
			account_id: "acc_sandbox0000000",
			event,
			contains: ["payout"],
			payload: { payout: { entity: entityOf(payout) } },
			created_at: unixNow(),
		});
		const secret = manner.forge ? randomAlphanumeric(20) : account.webhook_secret;
		const webhook = {
			service: "razorpay",
			event_id,
			event_type: event,
			url: account.webhook_url,
			headers: {
				"content-type": "application/json",
				"x-razorpay-event-id": event_id,
				"x-razorpay-signature": createHmac("sha256", secret).update(body).digest("hex"),
			},
			body,
		};
		void sender.sendInOrder(Array(1 + manner.duplicate).fill(webhook), manner.delay_ms);
		return [{ event, event_id }];
	};

	router.post("/", (req, res) => {
		const api_key = authenticate({ registry }, req);
		const account = registry.findAccount("razorpay", api_key)!;
		const settings = payoutSettingsSchema.parse(account.settings);
		const key = req.get("x-payout-idempotency") ?? "";
		if (!/^[A-Za-z0-9_ -]{4,36}$/.test(key)) {
			const words = "Idempotency key is missing. Include idempotency header and key in the request.";
			throw new RazorpayError(400, words, { field: "X-Payout-Idempotency", reason: "null" });
		}
		const request = String(req.body ?? "");
		const earlier = store.list(api_key).find(({ idempotency_key }) => idempotency_key === key);
		if (earlier !== undefined) {
			if (earlier.request === request) return void res.json(entityOf(earlier));
			throw new RazorpayError(400, "Different request with the same idempotency key has already been processed.");
		}
		const body = readJson(req);
		for (const field of ["account_number", "fund_account_id", "amount", "currency", "mode", "purpose"]) {
			if (body[field] === undefined || body[field] === null) throw missing(field);
		}
		const { amount, mode, reference_id = "", narration = "" } = body;
		if (typeof amount !== "number" || !Number.isInteger(amount) || amount < 100) {
			throw new RazorpayError(400, "Minimum transaction amount allowed is Re. 1", { field: "amount" });
		}
		if (!MODES.has(String(mode))) throw new RazorpayError(400, "Payout mode is invalid", { field: "mode" });
		if (!/^fa_[A-Za-z0-9]{14}$/.test(String(body.fund_account_id))) throw idNotFound();
		if (String(reference_id).length > 40) {
			throw new RazorpayError(400, "The reference id may not be greater than 40 characters.", {
				field: "reference_id",
			});
		}
		if (!/^[A-Za-z0-9 ]{0,30}$/.test(String(narration))) {
			throw new RazorpayError(400, "The narration format is invalid.", { field: "narration" });
		}
		if (settings.payout_balance !== undefined && store.spent(api_key) + amount > settings.payout_balance) {
			throw new RazorpayError(400, "Your account does not have enough balance to carry out the payout operation.");
		}
		const payout: StoredPayout = {
			api_key,
			id: `pout_${randomAlphanumeric(14)}`,
			reference: String(reference_id),
			source_account: String(body.account_number),
			destination: String(body.fund_account_id),
			amount,
			mode: String(mode),
			remarks: String(narration),
			status: "processing",
			reason: null,
			utr: null,
			created_at: new Date(),
			updated_at: new Date(),
			request,
			idempotency_key: key,
		};
		store.add(payout);
		res.json(entityOf(payout));
		if (settings.payouts === "at_once") decideOne(payout, { outcome: "processed", webhook: PLAIN });
	});

	router.get("/", (req, res) => {
		const api_key = authenticate({ registry }, req);
		const { account_number, reference_id, status, count = "10", skip = "0" } = req.query as Record<string, string>;
		if (!account_number) throw missing("account_number");
		const items = store
			.list(api_key)
			.filter(
				(payout) =>
					payout.source_account === account_number &&
					(reference_id ?? payout.reference) === payout.reference &&
					(status ?? payout.status) === payout.status,
			)
			.slice(Number(skip), Number(skip) + Math.min(Number(count), 100))
			.map(entityOf);
		res.json({ entity: "collection", count: items.length, items });
	});

	router.get("/:id", (req, res) => {
		const api_key = authenticate({ registry }, req);
		const payout = store.list(api_key).find(({ id }) => id === req.params.id);
		if (payout === undefined) throw idNotFound();
		res.json(entityOf(payout));
	});

	router.use(() => {
		throw urlNotFound();
	});
	router.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
		if (!(error instanceof RazorpayError)) return next(error);
		res.status(error.status).json(error.body);
	});

	function decideOne(payout: StoredPayout, instruction: Omit<PayoutInstruction, "payout">): PayoutReport {
		store.decide(payout, { payout: payout.id, ...instruction });
		const account = registry.findAccount("razorpay", payout.api_key)!;
		return { payout: entityOf(payout), webhooks: tell(account, payout, instruction.webhook) };
	}

	return {
		router,
		store,
		decide({ payout, ...instruction }) {
			const found = store.search(payout);
			return found === undefined ? null : decideOne(found, instruction);
		},
	};
}

const PLAIN: PayoutInstruction["webhook"] = { duplicate: 0, delay_ms: 0, skip: false, forge: false, reorder: false };
