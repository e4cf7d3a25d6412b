import { afterAll, beforeAll } from "vitest";
import { createSandbox } from "../sandbox/app.ts";
import { type ConformanceKit, describeConformance } from "./conformance.ts";
import { providers } from "./providers.ts";
import { connectSandbox } from "./sandbox-driver.ts";

const sandbox = createSandbox();

beforeAll(async () => {
	await sandbox.listen(0);
});
afterAll(() => sandbox.close());

for (const [provider, createAdapter] of Object.entries(providers)) {
	const { conformanceKit: kit } = (await import(`./${provider}/conformance.ts`)) as { conformanceKit: ConformanceKit };
	describeConformance({ provider, createAdapter, kit, connect: () => connectSandbox(sandbox.url, provider) });
}
