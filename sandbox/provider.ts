import type { Router } from "express";
import { z } from "zod";
import type { Dispute, DisputeInstruction, DisputeReport } from "./disputes.ts";
import type { PayoutInstruction, PayoutReport } from "./payouts.ts";
import type { Persistent } from "./state-file.ts";
import { webhookMannerSchema } from "./webhook-manner.ts";

/** What a person, or a test in a person's place, does with a payment. */
export const payInstructionSchema = z.strictObject({
	/** The provider's order id, or the reference (receipt, note) that came with the order; at `upi` the whole link as well. */
	order: z.string().min(1).max(2_000),
	/** authorized: the bank has agreed but the money is not captured. pending: the bank has not said yet. */
	outcome: z.enum(["success", "failure", "pending", "authorized"]),
	method: z.enum(["upi", "card", "netbanking"]).default("upi"),
	/** Why it failed, in the provider's words, e.g. insufficient_funds. */
	reason: z.string().min(1).max(60).optional(),
	/** Other than the order says, for tests of a mismatch. */
	amount: z.int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
	currency: z.string().length(3).optional(),
	webhook: webhookMannerSchema,
});

export type PayInstruction = z.infer<typeof payInstructionSchema>;

export const refundInstructionSchema = z.strictObject({
	/** The provider's refund id. */
	refund: z.string().min(1).max(200),
	outcome: z.enum(["success", "failure"]),
	webhook: webhookMannerSchema,
});

export type RefundInstruction = z.infer<typeof refundInstructionSchema>;

export type RefundReport =
	| { outcome: "decided"; refund: unknown; webhooks: PayReport["webhooks"] }
	| { outcome: "not_found" }
	| { outcome: "already_decided" };

export const transferInstructionSchema = z.strictObject({
	/** As in a pay instruction. */
	order: z.string().min(1).max(2_000),
	/** Of its parts for other accounts: when it is paid, or now, where that was and they failed. */
	outcome: z.enum(["success", "failure"]),
	webhook: webhookMannerSchema,
});

export type TransferInstruction = z.infer<typeof transferInstructionSchema>;

export type TransferReport =
	| { outcome: "decided"; transfers: readonly unknown[]; webhooks: PayReport["webhooks"] }
	| { outcome: "not_found" }
	| { outcome: "already_decided" };

export interface PayReport {
	order: unknown;
	payment: unknown;
	webhooks: { event: string; event_id: string }[];
}

export interface OrderSummary {
	id: string;
	reference: string | null;
	amount: number;
	currency: string;
	status: string;
	/** Where a person can pay it, below the sandbox's root. */
	pay_path: string;
	created_at: Date;
	/** The last one of the payment that went through. */
	dispute?: Dispute | undefined;
}

/** One outside system that takes payments. To add one: a folder with a factory of this, and a line in providers.ts. */
export interface SandboxProvider extends Persistent {
	/** Also the first part of its paths and the service name in faults and log. */
	name: string;
	title: string;
	router: Router;
	/** Pages for a person that stand beside those of single orders; paths are below the sandbox's root. */
	links?: readonly { label: string; path: string }[];
	/** null: there is no such order. */
	pay(instruction: PayInstruction): PayReport | null;
	/** Absent where it pays nothing out. null: there is no such payout. */
	decidePayout?(instruction: PayoutInstruction): PayoutReport | null;
	decideRefund(instruction: RefundInstruction): RefundReport;
	/** Absent where no webhook of the provider tells of parts for other accounts. */
	decideTransfer?(instruction: TransferInstruction): TransferReport;
	/** Absent where the provider tells of none. */
	dispute?(instruction: DisputeInstruction): DisputeReport;
	recentOrders(limit: number): OrderSummary[];
	/** What it keeps beside its orders, by a name of its own. */
	books?: Readonly<Record<string, Persistent>>;
	/** The provider's own wording of a status that a fault asks for. */
	errorBody(status: number): unknown;
}
