import express, { type Express } from "express";
import type { Dependencies } from "./dependencies.ts";
import { adminRoutes } from "./features/admin/routes.ts";
import { documentationRoutes } from "./features/documentation/routes.ts";
import { gatewayWebhookRoutes } from "./features/gateway-webhooks/routes.ts";
import { healthRoutes } from "./features/health/routes.ts";
import { linkRoutes } from "./features/links/routes.ts";
import { metricsRoutes } from "./features/metrics/routes.ts";
import { logoRoutes } from "./features/pay/logos.ts";
import { payRoutes } from "./features/pay/routes.ts";
import { paymentLinkRoutes } from "./features/payment-links/routes.ts";
import { paymentRoutes } from "./features/payments/routes.ts";
import { payoutWebhookRoutes } from "./features/payout-webhooks/routes.ts";
import { previewRoutes } from "./features/preview/routes.ts";
import { refundRoutes } from "./features/refunds/routes.ts";
import { statusRoutes } from "./features/status/routes.ts";
import { transactionRoutes } from "./features/transactions/routes.ts";
import { whatsappWebhookRoutes } from "./features/whatsapp-webhooks/routes.ts";
import { answerErrors, refuseUnknownPath } from "./middleware/errors.ts";
import { limitAddresses } from "./middleware/limit-addresses.ts";
import { observeRequests } from "./middleware/request.ts";
import { securityHeaders } from "./middleware/security-headers.ts";

export function buildApp(dependencies: Dependencies): Express {
	const app = express();
	app.disable("x-powered-by");
	app.disable("etag");
	app.set("query parser", "simple");
	app.set("trust proxy", dependencies.env.TRUSTED_PROXIES);

	app.use(observeRequests(dependencies.logger, dependencies.metrics));
	app.use(securityHeaders);
	app.use(limitAddresses(dependencies.addresses));
	// The busiest first: each router before is asked whether a path is its own.
	app.use(paymentRoutes(dependencies));
	// before the PSPs' other webhooks, whose address ends with any word
	app.use(payoutWebhookRoutes(dependencies));
	app.use(gatewayWebhookRoutes(dependencies));
	app.use(statusRoutes(dependencies));
	app.use(payRoutes(dependencies));
	app.use(linkRoutes(dependencies));
	app.use(logoRoutes(dependencies));
	app.use(whatsappWebhookRoutes(dependencies));
	app.use(transactionRoutes(dependencies));
	app.use(refundRoutes(dependencies));
	app.use(paymentLinkRoutes(dependencies));
	app.use(previewRoutes(dependencies));
	app.use(adminRoutes(dependencies));
	app.use(healthRoutes(dependencies));
	app.use(metricsRoutes(dependencies));
	app.use(documentationRoutes(dependencies));
	app.use(refuseUnknownPath);
	app.use(answerErrors(dependencies.logger));
	return app;
}
