/** The studio's areas, each as the people use it whose work it is. One studio for all of them; `-t <Area>` runs one. */
import { afterAll, beforeAll, describe } from "vitest";
import { hasBrowser } from "../browser.ts";
import { describeAlerts } from "./studio/alerts.ts";
import { describeAudit } from "./studio/audit.ts";
import { describeCheckoutSettings } from "./studio/checkout-settings.ts";
import { describeCommission } from "./studio/commission.ts";
import { describeFlows } from "./studio/flows.ts";
import { describeGateways } from "./studio/gateways.ts";
import { describeHome } from "./studio/home.ts";
import { describeIntegration } from "./studio/integration.ts";
import { describeNotices } from "./studio/notices.ts";
import { describePeople } from "./studio/people.ts";
import { describeQueues } from "./studio/queues.ts";
import { StudioStage } from "./studio/stage.ts";

const stage = new StudioStage();

describe.skipIf(!hasBrowser())("the studio's areas", () => {
	beforeAll(() => stage.start(), 180_000);
	afterAll(() => stage.stop(), 60_000);

	describeAlerts(stage);
	describeAudit(stage);
	describeFlows(stage);
	describeHome(stage);
	describeIntegration(stage);
	describeNotices(stage);
	describePeople(stage);
	describeQueues(stage);
	describeGateways(stage);
	describeCheckoutSettings(stage);
	describeCommission(stage);
});
