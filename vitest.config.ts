import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const ignored = ["**/node_modules/**", "**/dist/**", ".data/**"];
/** Without database, processes or browser. */
const pure = [
	"psp/**/*.test.ts",
	"sandbox/*.test.ts",
	"sandbox/*/!(checkout).test.ts",
	"directus/extensions/**/*.test.ts",
];

/** Browsers and whole systems first, so that no long file is left over for the end. */
class LongestFirst extends BaseSequencer {
	override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
		const place = ({ moduleId }: TestSpecification) =>
			["test/e2e/studio", "test/e2e/", "jobs/tests/", "directus/tests/"].findIndex((part) => moduleId.includes(part));
		const rank = (file: TestSpecification) => (place(file) < 0 ? Number.MAX_VALUE : place(file));
		return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
	}
}

/** What is waited for comes when it comes: a slow or busy machine is no failure, and patience costs nothing when all is well. */
const patient = { testTimeout: 400_000, hookTimeout: 600_000, expect: { poll: { timeout: 180_000 } } };

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
					name: "pure",
					include: pure,
					exclude: ignored,
					// They leave nothing behind, so one process after the other's start would be most of their work.
					isolate: false,
					...patient,
				},
			},
			{
				test: {
					name: "unit",
					include: ["**/*.test.ts"],
					exclude: [...ignored, ...pure, "db/tests/**", "test/e2e/**"],
					...patient,
				},
			},
			{
				test: {
					name: "db",
					include: ["db/tests/**/*.test.ts"],
					exclude: ignored,
					...patient,
				},
			},
			{
				test: {
					name: "e2e",
					include: ["test/e2e/**/*.test.ts"],
					exclude: ignored,
					...patient,
				},
			},
		],
	},
});
