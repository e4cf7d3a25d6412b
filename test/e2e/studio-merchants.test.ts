/** The studio's areas about one merchant or another. One studio for all of them; `-t <Area>` runs one. */
import { afterAll, beforeAll, describe } from "vitest";
import { hasBrowser } from "../browser.ts";
import { describeCheckoutSettings } from "./studio/checkout-settings.ts";
import { describeCommission } from "./studio/commission.ts";
import { describeIntegration } from "./studio/integration.ts";
import { describeNotices } from "./studio/notices.ts";
import { describeReconciliation } from "./studio/reconciliation.ts";
import { StudioStage } from "./studio/stage.ts";

const stage = new StudioStage();

describe.skipIf(!hasBrowser())("the studio's areas about merchants", () => {
	beforeAll(() => stage.start());
	afterAll(() => stage.stop());

	describeIntegration(stage);
	describeCheckoutSettings(stage);
	describeCommission(stage);
	describeReconciliation(stage);
	describeNotices(stage);
});
