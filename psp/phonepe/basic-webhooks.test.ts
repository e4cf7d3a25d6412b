import { afterAll, beforeAll } from "vitest";
import { createSandbox } from "../../sandbox/app.ts";
import { describeConformance } from "../conformance.ts";
import { connectSandbox } from "../sandbox-driver.ts";
import { createPhonePeAdapter } from "./adapter.ts";
import { conformanceKit } from "./conformance.ts";

const sandbox = createSandbox();

beforeAll(async () => {
	await sandbox.listen(0);
});
afterAll(() => sandbox.close());

/** The suite runs with webhooks proven by HMAC; this is the other way that PhonePe offers. */
describeConformance({
	provider: "phonepe, webhooks by user name and password",
	createAdapter: createPhonePeAdapter,
	kit: {
		...conformanceKit,
		createAccount(suffix) {
			const account = conformanceKit.createAccount(suffix);
			return {
				...account,
				settings: { ...account.settings, webhook_mode: "basic", webhook_username: `hooks_${suffix}` },
			};
		},
		not_applicable: {
			...conformanceKit.not_applicable,
			"webhook: a body that was trimmed or changed is refused": "only the sender is proven",
		},
	},
	connect: () => connectSandbox(sandbox.url, "phonepe"),
});
