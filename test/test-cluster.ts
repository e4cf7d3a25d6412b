import type { DatabaseRole } from "../db/prepare.ts";

/** What the one server of a test run is known by; given by the global set-up to every test file. */
export interface TestCluster {
	adminUrl: string;
}

/** Prepared once a run and never connected to, so that test files clone it. */
export const TEMPLATE_DATABASE = "template_lightspeedpay";

/** The server listens on loopback for the length of a test run. */
export const ROLE_PASSWORDS: Record<DatabaseRole, string> = {
	owner: "test-owner",
	checkout: "test-checkout",
	jobs: "test-jobs",
	studio: "test-studio",
	finance: "test-finance",
};
