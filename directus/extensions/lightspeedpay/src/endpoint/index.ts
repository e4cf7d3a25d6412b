/** What people do in the studio beyond changing rows. Thin: who may is checked here, what happens is a database function's. */
import { defineEndpoint } from "@directus/extensions-sdk";
import type { Router, Studio } from "./context.ts";
import { addCredentialRoutes } from "./credentials.ts";
import { addGatewayRoutes } from "./gateways.ts";
import { addPaymentLinkRoutes } from "./payment-links.ts";
import { addRefundRoutes } from "./refunds.ts";
import { addUpiRoutes } from "./upi.ts";

export default defineEndpoint({
	id: "lightspeedpay",
	handler: (plainRouter, context) => {
		const router = plainRouter as unknown as Router;
		const studio = context as unknown as Studio;
		const checkoutUrl = (process.env.PUBLIC_CHECKOUT_URL ?? "").replace(/\/+$/, "");
		addCredentialRoutes(router, studio, checkoutUrl);
		addGatewayRoutes(router, studio, checkoutUrl);
		addRefundRoutes(router, studio);
		addPaymentLinkRoutes(router, studio, checkoutUrl);
		addUpiRoutes(router, studio);
	},
});
