import { type NextFunction, type Request, type Response, Router } from "express";
import { z } from "zod";
import { orderView, refundView } from "./api-views.ts";
import { badRequest, orderNotFound, PhonePeError, refundNotFound, urlNotFound } from "./errors.ts";
import { makeRefund, type PhonePeContext } from "./payments.ts";
import type { AccessTokens } from "./sessions.ts";
import type { Method, NewOrder, Order } from "./store.ts";

const merchantId = z.string().regex(/^[A-Za-z0-9_-]{1,63}$/);
const paise = z.int().min(100);

const modesSchema = z.array(z.object({ type: z.string() })).optional();

const METHOD_BY_MODE: Record<string, Method> = {
	UPI_INTENT: "upi",
	UPI_QR: "upi",
	UPI_COLLECT: "upi",
	CARD: "card",
	NET_BANKING: "netbanking",
};
const METHODS: Method[] = ["upi", "card", "netbanking"];

const freeField = z.string().max(256);
const restrictedField = z
	.string()
	.max(50)
	.regex(/^[\w\- @.+]*$/);
const metaInfoSchema = z.strictObject(
	Object.fromEntries(
		Array.from({ length: 15 }, (_, n) => [`udf${n + 1}`, (n < 10 ? freeField : restrictedField).optional()]),
	),
);

const paySchema = z.object({
	merchantOrderId: merchantId,
	amount: paise,
	expireAfter: z.int().min(300).max(3_600).default(1_800),
	metaInfo: metaInfoSchema.optional(),
	disablePaymentRetry: z.boolean().default(false),
	paymentFlow: z.object({
		type: z.literal("PG_CHECKOUT"),
		message: z.string().optional(),
		merchantUrls: z.object({ redirectUrl: z.url({ protocol: /^https?$/ }) }).partial(),
		paymentModeConfig: z
			.object({ enabledPaymentModes: modesSchema, disabledPaymentModes: modesSchema })
			.refine(({ enabledPaymentModes, disabledPaymentModes }) => !enabledPaymentModes || !disabledPaymentModes)
			.optional(),
	}),
});

const refundSchema = z.object({ merchantRefundId: merchantId, originalMerchantOrderId: merchantId, amount: paise });

function readJson<Schema extends z.ZodType>(schema: Schema, req: Request): z.output<Schema> {
	let body: unknown;
	try {
		body = JSON.parse(Buffer.isBuffer(req.body) ? req.body.toString("utf8") : "");
	} catch {
		throw badRequest();
	}
	const parsed = schema.safeParse(body);
	if (parsed.success) return parsed.data;
	throw badRequest({ field: parsed.error.issues[0]!.path.join(".") });
}

function newOrder({ paymentFlow, metaInfo, disablePaymentRetry, ...body }: z.output<typeof paySchema>): NewOrder {
	const { enabledPaymentModes, disabledPaymentModes = [] } = paymentFlow.paymentModeConfig ?? {};
	const disabled = disabledPaymentModes.map(({ type }) => METHOD_BY_MODE[type]);
	const enabled = enabledPaymentModes?.map(({ type }) => METHOD_BY_MODE[type]);
	return {
		...body,
		metaInfo: metaInfo as Record<string, string> | undefined,
		message: paymentFlow.message ?? null,
		redirectUrl: paymentFlow.merchantUrls.redirectUrl ?? null,
		methods: METHODS.filter((method) => (enabled?.includes(method) ?? true) && !disabled.includes(method)),
		allowsRetry: !disablePaymentRetry,
	};
}

/** A flag in the query. The official SDK sends its one twice; twice the same is the same. */
function flagOf(req: Request, name: string): boolean {
	const value = req.query[name];
	const values = new Set([value ?? "false"].flat());
	if (values.size !== 1) throw badRequest({ field: name });
	return values.has("true");
}

function statusView(req: Request, order: Order) {
	const payments = flagOf(req, "details") ? order.payments : order.payments.slice(-1);
	return {
		...orderView(order, payments),
		...(flagOf(req, "errorContext") && order.error !== null && { errorContext: order.error }),
	};
}

export function createIdentityApi(tokens: AccessTokens): Router {
	const router = Router();
	router.post("/v1/oauth/token", (req, res) => {
		if (!req.is("application/x-www-form-urlencoded")) throw badRequest();
		res.json(tokens.issue(new URLSearchParams(Buffer.isBuffer(req.body) ? req.body.toString("utf8") : "")));
	});
	return router;
}

/** The REST interface, with PhonePe's paths, rules and words. */
export function createApi(context: PhonePeContext, tokens: AccessTokens): Router {
	const { store } = context;
	const router = Router();
	const handle =
		(answer: (apiKey: string, req: Request) => unknown) =>
		(req: Request, res: Response): void => {
			res.json(answer(tokens.authenticate(req), req));
		};

	router.post(
		"/checkout/v2/pay",
		handle((apiKey, req) => {
			const order = store.createOrder(apiKey, newOrder(readJson(paySchema, req)));
			const { orderId, state, expireAt, pageToken } = order;
			const redirectUrl = `${req.protocol}://${req.get("host")}/phonepe/transact/v2?token=${pageToken}`;
			return { orderId, state, expireAt, redirectUrl };
		}),
	);
	router.get(
		"/checkout/v2/order/:merchantOrderId/status",
		handle((apiKey, req) => {
			const order = store.findOrder(apiKey, String(req.params.merchantOrderId));
			if (order === undefined) throw orderNotFound();
			return statusView(req, order);
		}),
	);
	router.get(
		"/checkout/v2/transaction/:transactionId/status",
		handle((apiKey, req) => {
			const found = store.findTransaction(apiKey, String(req.params.transactionId));
			if (found === undefined) throw badRequest();
			return orderView(found.order, [found.payment]);
		}),
	);
	router.post(
		"/payments/v2/refund",
		handle((apiKey, req) => {
			const { merchantRefundId, originalMerchantOrderId, amount } = readJson(refundSchema, req);
			const order = store.findOrder(apiKey, originalMerchantOrderId);
			if (order === undefined) throw orderNotFound();
			const { refundId, state } = makeRefund(context, order, merchantRefundId, amount);
			return { refundId, amount, state };
		}),
	);
	router.get(
		"/payments/v2/refund/:merchantRefundId/status",
		handle((apiKey, req) => {
			const found = store.findRefund(apiKey, String(req.params.merchantRefundId));
			if (found === undefined) throw refundNotFound();
			return refundView(found.refund);
		}),
	);
	return router;
}

export function answerErrors(router: Router): void {
	router.use(() => {
		throw urlNotFound();
	});
	router.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
		if (!(error instanceof PhonePeError)) return next(error);
		res.status(error.status).json(error.body);
	});
}
