import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const ignored = ["**/node_modules/**", "**/dist/**", ".data/**"];

/** Browsers and whole systems first, so that no long file is left over for the end. */
class LongestFirst extends BaseSequencer {
	override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
		const place = ({ moduleId }: TestSpecification) =>
			["test/e2e/studio", "test/e2e/", "jobs/tests/", "directus/tests/"].findIndex((part) => moduleId.includes(part));
		const rank = (file: TestSpecification) => (place(file) < 0 ? Number.MAX_VALUE : place(file));
		return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
	}
}

/** What is polled for comes when it comes: a busy machine is no failure. */
const patient = { poll: { timeout: 15_000 } };

export default defineConfig({
	test: {
		// The database server starts once for the whole run, whichever projects are in it.
		globalSetup: "test/global-setup.ts",
		// Tests often wait (for processes, browsers, time-outs), so three files at a time keep two cores busy.
		maxWorkers: 3,
		// Node loads TypeScript itself, as the product's processes do: a fifth less to do for a file of tests than transforming it first.
		experimental: { viteModuleRunner: false },
		sequence: { sequencer: LongestFirst },
		projects: [
			{
				test: {
					name: "unit",
					include: ["**/*.test.ts"],
					exclude: [...ignored, "db/tests/**", "test/e2e/**"],
					testTimeout: 15_000,
					hookTimeout: 30_000,
					expect: patient,
				},
			},
			{
				test: {
					name: "db",
					include: ["db/tests/**/*.test.ts"],
					exclude: ignored,
					testTimeout: 30_000,
					hookTimeout: 30_000,
					expect: patient,
				},
			},
			{
				test: {
					name: "e2e",
					include: ["test/e2e/**/*.test.ts"],
					exclude: ignored,
					testTimeout: 120_000,
					hookTimeout: 180_000,
					expect: patient,
				},
			},
		],
	},
});
