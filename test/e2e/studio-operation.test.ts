/** The studio's areas about how everything runs, and its people. One studio for all of them; `-t <Area>` runs one. */
import { afterAll, beforeAll, describe } from "vitest";
import { hasBrowser } from "../browser.ts";
import { describeAlerts } from "./studio/alerts.ts";
import { describeAudit } from "./studio/audit.ts";
import { describeFlows } from "./studio/flows.ts";
import { describeGateways } from "./studio/gateways.ts";
import { describeHome } from "./studio/home.ts";
import { describePeople } from "./studio/people.ts";
import { describeQueues } from "./studio/queues.ts";
import { StudioStage } from "./studio/stage.ts";

const stage = new StudioStage();

describe.skipIf(!hasBrowser())("the studio's areas of operation", () => {
	beforeAll(() => stage.start());
	afterAll(() => stage.stop());

	describeHome(stage);
	describeAlerts(stage);
	describeGateways(stage);
	describeQueues(stage);
	describeFlows(stage);
	describeAudit(stage);
	describePeople(stage);
});
