/** All addresses of the studio's own endpoint. */

import { addAlertRoutes } from "./alerts.ts";
import { addAuditRoutes } from "./audit.ts";
import { addCheckoutSettingsRoutes } from "./checkout-settings.ts";
import { addCollectionRoutes } from "./collection.ts";
import { addCommissionRoutes } from "./commission.ts";
import type { Router, Studio } from "./context.ts";
import { addCredentialRoutes } from "./credentials.ts";
import { addGatewayDeskRoutes } from "./gateway-desk.ts";
import { addGatewayRoutes } from "./gateways.ts";
import { addHomeRoutes } from "./home.ts";
import { addIntegrationRoutes } from "./integration.ts";
import { addNoticeRoutes } from "./notices.ts";
import { addPaymentLinkRoutes } from "./payment-links.ts";
import { addQueueRoutes } from "./queues.ts";
import { addReconciliationRoutes } from "./reconciliation.ts";
import { addRefundRoutes } from "./refunds.ts";
import { addSessionRoutes } from "./sessions.ts";
import { addStudioEventRoutes } from "./studio-events.ts";
import { addUpiRoutes } from "./upi.ts";

export function addEveryRoute(router: Router, studio: Studio): void {
	const checkoutUrl = (process.env.PUBLIC_CHECKOUT_URL ?? "").replace(/\/+$/, "");
	addHomeRoutes(router, studio);
	addCommissionRoutes(router, studio);
	addCollectionRoutes(router, studio, checkoutUrl);
	addReconciliationRoutes(router, studio);
	addAlertRoutes(router, studio);
	addAuditRoutes(router, studio);
	addCredentialRoutes(router, studio, checkoutUrl);
	addIntegrationRoutes(router, studio);
	addGatewayRoutes(router, studio, checkoutUrl);
	addGatewayDeskRoutes(router, studio);
	addCheckoutSettingsRoutes(router, studio, checkoutUrl);
	addRefundRoutes(router, studio);
	addNoticeRoutes(router, studio);
	addPaymentLinkRoutes(router, studio, checkoutUrl);
	addSessionRoutes(router, studio);
	addStudioEventRoutes(router, studio);
	addUpiRoutes(router, studio);
	addQueueRoutes(router, studio);
}
