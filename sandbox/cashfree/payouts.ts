/** Cashfree Payouts v2: transfers from a merchant's fund source. Shapes: its OpenAPI description of payouts, webhooks-v2. */
import { type NextFunction, type Request, type Response, Router } from "express";
import { randomDigits } from "../ids.ts";
import {
	type PayoutInstruction,
	type PayoutReport,
	PayoutStore,
	payoutSettingsSchema,
	type StoredPayout,
} from "../payouts.ts";
import type { Registry } from "../registry.ts";
import type { WebhookSender } from "../webhook-sender.ts";
import { authenticate, readAmount, readJson } from "./api.ts";
import { badUrl, CashfreeError, fieldError } from "./errors.ts";
import { sendEvents } from "./webhooks.ts";

export interface CashfreePayouts {
	router: Router;
	store: PayoutStore;
	decide(instruction: PayoutInstruction): PayoutReport | null;
}

const VERSION = "2024-01-01";
const MODES = ["banktransfer", "imps", "neft", "rtgs", "upi"];
const STATES: Record<StoredPayout["status"], { status: string; status_code: string; status_description: string }> = {
	processing: {
		status: "RECEIVED",
		status_code: "RECEIVED",
		status_description: "The transfer has been received by Cashfree successfully for further processing",
	},
	processed: {
		status: "SUCCESS",
		status_code: "COMPLETED",
		status_description: "The transfer has been completed successfully",
	},
	reversed: {
		status: "REVERSED",
		status_code: "BENE_BANK_DECLINED",
		status_description: "The beneficiary bank has returned the transfer",
	},
	failed: {
		status: "FAILED",
		status_code: "INVALID_ACCOUNT_FAIL",
		status_description: "The beneficiary's account number is invalid",
	},
};
const EVENTS: Record<StoredPayout["status"], string> = {
	processing: "TRANSFER_ACKNOWLEDGED",
	processed: "TRANSFER_SUCCESS",
	reversed: "TRANSFER_REVERSED",
	failed: "TRANSFER_FAILED",
};

function entityOf(payout: StoredPayout) {
	return {
		transfer_id: payout.reference,
		cf_transfer_id: payout.id,
		...STATES[payout.status],
		...(payout.reason !== null && { status_code: payout.reason }),
		beneficiary_details: { beneficiary_id: payout.destination },
		transfer_amount: payout.amount / 100,
		transfer_service_charge: 0,
		transfer_service_tax: 0,
		transfer_mode: payout.mode.toUpperCase(),
		...(payout.utr !== null && { transfer_utr: payout.utr }),
		fundsource_id: payout.source_account,
		added_on: payout.created_at.toISOString(),
		updated_on: payout.updated_at.toISOString(),
	};
}

export function createPayouts(registry: Registry, sender: WebhookSender, capacity: number): CashfreePayouts {
	const store = new PayoutStore(capacity);
	const router = Router();

	router.use((req, _res, next) => {
		if (req.get("x-api-version") !== VERSION)
			throw new CashfreeError(400, "x-api-version is invalid", "api_version_invalid");
		next();
	});

	router.post("/transfers", (req, res) => {
		const api_key = authenticate({ registry }, req);
		const settings = payoutSettingsSchema.parse(registry.findAccount("cashfree", api_key)!.settings);
		const body = readJson(req);
		const { transfer_id, transfer_mode = "banktransfer", transfer_remarks = "", fundsource_id = "CASHFREE_1" } = body;
		if (typeof transfer_id !== "string" || !/^\w{1,40}$/.test(transfer_id)) {
			throw fieldError("transfer_id", "should be alphanumeric with up to 40 characters", transfer_id);
		}
		const amount = readAmount("transfer_amount", body.transfer_amount, 100);
		if (!MODES.includes(String(transfer_mode))) throw fieldError("transfer_mode", "is not supported", transfer_mode);
		const { beneficiary_id } = (body.beneficiary_details ?? {}) as Record<string, unknown>;
		if (typeof beneficiary_id !== "string" || beneficiary_id === "unknown") {
			throw new CashfreeError(404, "beneficiary_id does not exist", "beneficiary_id_not_found");
		}
		if (store.list(api_key).some(({ reference }) => reference === transfer_id)) {
			throw new CashfreeError(
				409,
				"Transfer request with the given transfer_id already exists",
				"transfer_id_already_exists",
			);
		}
		if (settings.payout_balance !== undefined && store.spent(api_key) + amount > settings.payout_balance) {
			throw new CashfreeError(422, "Insufficient balance in the fund source", "insufficient_balance");
		}
		const payout: StoredPayout = {
			api_key,
			id: randomDigits(9),
			reference: transfer_id,
			source_account: String(fundsource_id),
			destination: beneficiary_id,
			amount,
			mode: String(transfer_mode),
			remarks: String(transfer_remarks),
			status: "processing",
			reason: null,
			utr: null,
			created_at: new Date(),
			updated_at: new Date(),
			request: String(req.body),
		};
		store.add(payout);
		res.json(entityOf(payout));
		if (settings.payouts === "at_once") decideOne(payout, { outcome: "processed", webhook: PLAIN });
	});

	router.get("/transfers", (req, res) => {
		const api_key = authenticate({ registry }, req);
		const { transfer_id, cf_transfer_id } = req.query as Record<string, string>;
		const payout = store.list(api_key).find(({ id, reference }) => reference === transfer_id || id === cf_transfer_id);
		if (payout === undefined) throw new CashfreeError(404, "transfer_id does not exist", "transfer_id_not_found");
		res.json(entityOf(payout));
	});

	router.use(() => {
		throw badUrl();
	});
	router.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
		if (!(error instanceof CashfreeError)) return next(error);
		res.status(error.status).json(error.body);
	});

	function decideOne(payout: StoredPayout, instruction: Omit<PayoutInstruction, "payout">): PayoutReport {
		store.decide(payout, { payout: payout.id, ...instruction });
		const account = registry.findAccount("cashfree", payout.api_key)!;
		const event = { type: EVENTS[payout.status], data: entityOf(payout) };
		return { payout: entityOf(payout), webhooks: sendEvents(sender, account, null, [event], instruction.webhook) };
	}

	return {
		router,
		store,
		decide({ payout, ...instruction }) {
			const found = store.search(payout) ?? store.search(payout.replaceAll("-", ""));
			return found === undefined ? null : decideOne(found, instruction);
		},
	};
}

const PLAIN: PayoutInstruction["webhook"] = { duplicate: 0, delay_ms: 0, skip: false, forge: false, reorder: false };
