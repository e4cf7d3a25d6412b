import { type NextFunction, type Request, type Response, Router } from "express";
import { z } from "zod";
import { disputeInstructionSchema } from "./disputes.ts";
import { type Faults, faultSchema } from "./faults.ts";
import type { MerchantEndpoint } from "./merchant/endpoint.ts";
import { payoutInstructionSchema } from "./payouts.ts";
import {
	payInstructionSchema,
	refundInstructionSchema,
	type SandboxProvider,
	transferInstructionSchema,
} from "./provider.ts";
import { accountSchema, merchantSchema, type Registry } from "./registry.ts";
import type { RequestLog } from "./request-log.ts";
import { differenceSchema } from "./settlement-differences.ts";
import type { WebhookSender } from "./webhook-sender.ts";
import { whatsappAccountSchema } from "./whatsapp/accounts.ts";
import { outcomeSchema } from "./whatsapp/store.ts";
import { statusInstructionSchema, type Whatsapp } from "./whatsapp/whatsapp.ts";

export interface ControlDependencies {
	providers: SandboxProvider[];
	registry: Registry;
	faults: Faults;
	log: RequestLog;
	sender: WebhookSender;
	merchant: MerchantEndpoint;
	whatsapp: Whatsapp;
}

type ControlCode =
	| "invalid_request"
	| "unsupported_media_type"
	| "unknown_provider"
	| "order_not_found"
	| "refund_not_found"
	| "refund_decided"
	| "payout_not_found"
	| "no_transfers"
	| "transfer_decided"
	| "dispute_not_open"
	| "no_disputes"
	| "message_not_found"
	| "not_found";

const HTTP_STATUS: Record<ControlCode, number> = {
	invalid_request: 400,
	unsupported_media_type: 415,
	unknown_provider: 404,
	order_not_found: 404,
	refund_not_found: 404,
	refund_decided: 409,
	payout_not_found: 404,
	no_transfers: 409,
	transfer_decided: 409,
	dispute_not_open: 409,
	no_disputes: 409,
	message_not_found: 404,
	not_found: 404,
};

class ControlError extends Error {
	readonly code: ControlCode;
	readonly param: string | undefined;

	constructor(code: ControlCode, message: string, param?: string) {
		super(message);
		this.code = code;
		this.param = param;
	}
}

const provider = z.string().min(1).max(40);
const paySchema = payInstructionSchema.extend({ provider });
const payoutSchema = payoutInstructionSchema.extend({ provider });
const transferSchema = transferInstructionSchema.extend({ provider });
const refundSchema = refundInstructionSchema.extend({ provider });
const disputeSchema = disputeInstructionSchema.extend({ provider });
const answerSchema = z.strictObject({ message: z.string().min(1), text: z.string().min(1).max(4_096) });
const serviceSchema = z.strictObject({ provider: z.enum(["meta", "gupshup"]) });
const challengeSchema = z.strictObject({ challenge: z.string().min(1).max(200) });
const limit = z.coerce.number().int().min(1).max(100_000).default(10_000);
const logQuery = z.strictObject({
	service: z.string().optional(),
	path: z.string().optional(),
	method: z.string().toUpperCase().optional(),
	limit,
});
const eventsQuery = z.strictObject({ type: z.string().optional(), id: z.string().optional(), limit });

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
	const result = schema.safeParse(value);
	if (result.success) return result.data;
	const issue = result.error.issues[0]!;
	const param = issue.code === "unrecognized_keys" ? issue.keys[0] : issue.path.join(".");
	throw new ControlError("invalid_request", issue.message, param || undefined);
}

/** JSON only: a page in somebody's browser cannot send that here without asking first, and is never told yes. */
function readBody<Schema extends z.ZodType>(schema: Schema, req: Request): z.output<Schema> {
	if (!req.is("application/json")) {
		throw new ControlError("unsupported_media_type", "Send the body as application/json");
	}
	let body: unknown;
	try {
		body = JSON.parse(Buffer.isBuffer(req.body) ? req.body.toString("utf8") : "");
	} catch {
		throw new ControlError("invalid_request", "The body is not valid JSON");
	}
	return parse(schema, body);
}

/** What tests and the demo steer the outside world with. */
export function createControl({
	providers,
	registry,
	faults,
	log,
	sender,
	merchant,
	whatsapp,
}: ControlDependencies): Router {
	const router = Router();
	const providerOf = (name: string): SandboxProvider => {
		const provider = providers.find((candidate) => candidate.name === name);
		if (provider === undefined) throw new ControlError("unknown_provider", `There is no provider ${name}`, "provider");
		return provider;
	};

	router.put("/accounts", (req, res) => {
		const account = readBody(accountSchema, req);
		providerOf(account.provider);
		registry.putAccount(account);
		res.json({ provider: account.provider, api_key: account.api_key });
	});
	router.get("/accounts", (_req, res) => {
		res.json(registry.accounts().map(({ provider, api_key, webhook_url }) => ({ provider, api_key, webhook_url })));
	});

	router.put("/merchants", (req, res) => {
		const { name, client_id, ...secrets } = readBody(merchantSchema, req);
		const slug = registry.putMerchant({ name, ...(client_id !== undefined && { client_id }), ...secrets });
		res.json({ name, slug, client_id: client_id ?? null, webhook_path: `/merchant/webhook/${slug}` });
	});
	router.get("/merchants", (_req, res) => {
		res.json(registry.merchants().map(({ name, client_id }) => ({ name, client_id: client_id ?? null })));
	});
	router.get("/merchant/events", (req, res) => {
		const query = parse(eventsQuery, req.query);
		const events = merchant
			.events()
			.filter((event) => (query.type ?? event.type) === event.type && (query.id ?? event.id) === event.id);
		res.json(events.slice(-query.limit));
	});
	router.delete("/merchant/events", (_req, res) => {
		merchant.clearEvents();
		res.status(204).end();
	});

	router.get("/log", (req, res) => {
		const { service, path, method, limit } = parse(logQuery, req.query);
		res.set("X-Total-Count", String(log.total));
		res.json(
			log.list({
				...(service !== undefined && { service }),
				...(path !== undefined && { path }),
				...(method !== undefined && { method }),
				limit,
			}),
		);
	});
	router.delete("/log", (_req, res) => {
		log.clear();
		res.status(204).end();
	});

	router.post("/faults", (req, res) => {
		const fault = readBody(faultSchema, req);
		const services = [...providers, ...whatsapp.services].map(({ name }) => name).concat("merchant");
		if (!services.includes(fault.service)) {
			throw new ControlError("invalid_request", `The service is one of ${services.join(", ")}`, "service");
		}
		res.status(201).json(faults.add(fault));
	});
	router.get("/faults", (_req, res) => {
		res.json(faults.list());
	});
	router.delete("/faults", (_req, res) => {
		faults.clear();
		res.status(204).end();
	});

	router.post("/pay", (req, res) => {
		const { provider: name, ...instruction } = readBody(paySchema, req);
		const provider = providerOf(name);
		const report = provider.pay(instruction);
		if (report === null) {
			throw new ControlError("order_not_found", `${provider.title} has no order ${instruction.order}`, "order");
		}
		res.json(report);
	});

	router.post("/refund", (req, res) => {
		const { provider: name, ...instruction } = readBody(refundSchema, req);
		const provider = providerOf(name);
		const report = provider.decideRefund(instruction);
		if (report.outcome === "not_found") {
			throw new ControlError("refund_not_found", `${provider.title} has no refund ${instruction.refund}`, "refund");
		}
		if (report.outcome === "already_decided") {
			throw new ControlError("refund_decided", "The bank has decided about this refund already", "refund");
		}
		const { refund, webhooks } = report;
		res.json({ refund, webhooks });
	});

	router.post("/payout", (req, res) => {
		const { provider: name, ...instruction } = readBody(payoutSchema, req);
		const provider = providerOf(name);
		const report = provider.decidePayout?.(instruction) ?? null;
		if (report === null) {
			throw new ControlError("payout_not_found", `${provider.title} has no payout ${instruction.payout}`, "payout");
		}
		res.json(report);
	});

	router.post("/transfer", (req, res) => {
		const { provider: name, ...instruction } = readBody(transferSchema, req);
		const provider = providerOf(name);
		if (provider.decideTransfer === undefined) {
			throw new ControlError("no_transfers", `${provider.title} tells nothing of parts for others`, "provider");
		}
		const report = provider.decideTransfer(instruction);
		if (report.outcome === "not_found") {
			const words = `${provider.title} has no order ${instruction.order} with parts for others`;
			throw new ControlError("order_not_found", words, "order");
		}
		if (report.outcome === "already_decided") {
			throw new ControlError("transfer_decided", "The parts of this order have come through already", "order");
		}
		const { transfers, webhooks } = report;
		res.json({ transfers, webhooks });
	});

	router.post("/dispute", (req, res) => {
		const { provider: name, ...instruction } = readBody(disputeSchema, req);
		const provider = providerOf(name);
		if (provider.dispute === undefined) {
			throw new ControlError("no_disputes", `${provider.title} tells of no disputes`, "provider");
		}
		const report = provider.dispute(instruction);
		if (report.outcome === "not_found") {
			throw new ControlError("order_not_found", `${provider.title} has no paid order ${instruction.order}`, "order");
		}
		if (report.outcome === "not_open") {
			throw new ControlError("dispute_not_open", "No dispute of this payment is open", "outcome");
		}
		const { dispute, webhooks } = report;
		res.json({ dispute, webhooks });
	});

	router.post("/settlement-differences", (req, res) => {
		const difference = readBody(differenceSchema, req);
		registry.settlement_differences.plant(difference);
		res.status(201).json(difference);
	});
	router.get("/settlement-differences", (_req, res) => {
		res.json(registry.settlement_differences.list());
	});
	router.delete("/settlement-differences", (_req, res) => {
		registry.settlement_differences.clear();
		res.status(204).end();
	});

	router.put("/whatsapp/accounts", (req, res) => {
		const account = readBody(whatsappAccountSchema, req);
		whatsapp.store.putAccount(account);
		res.json({ provider: account.provider });
	});
	router.get("/whatsapp/messages", (_req, res) => {
		res.json(whatsapp.store.messages());
	});
	router.delete("/whatsapp/messages", (_req, res) => {
		whatsapp.store.clear();
		res.status(204).end();
	});
	router.post("/whatsapp/outcomes", (req, res) => {
		const outcome = readBody(outcomeSchema, req);
		whatsapp.store.order(outcome);
		res.status(201).json(outcome);
	});
	router.post("/whatsapp/status", async (req, res) => {
		const { message: id, duplicate, ...change } = readBody(statusInstructionSchema, req);
		const message = findMessage(id);
		await whatsapp.change(message, [change], duplicate);
		res.json(message);
	});
	router.post("/whatsapp/answer", async (req, res) => {
		const { message, text } = readBody(answerSchema, req);
		await whatsapp.answer(findMessage(message), text);
		res.status(204).end();
	});
	router.post("/whatsapp/expire-tokens", (req, res) => {
		whatsapp.store.expireTokens(readBody(serviceSchema, req).provider);
		res.status(204).end();
	});
	router.post("/whatsapp/verify-address", async (req, res) => {
		res.json({ verified: await whatsapp.verifyAddress(readBody(challengeSchema, req).challenge) });
	});

	function findMessage(id: string) {
		const message = whatsapp.store.find(id);
		if (message === undefined) throw new ControlError("message_not_found", `There is no message ${id}`, "message");
		return message;
	}

	router.get("/webhooks", (_req, res) => {
		res.json(sender.deliveries());
	});

	router.use(() => {
		throw new ControlError("not_found", "There is no such control");
	});
	router.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
		if (!(error instanceof ControlError)) return next(error);
		const { code, message, param } = error;
		res.status(HTTP_STATUS[code]).json({ error: { code, message, ...(param !== undefined && { param }) } });
	});
	return router;
}
