import { defineConfig } from "vitest/config";

const ignored = ["**/node_modules/**", "**/dist/**", ".data/**"];

export default defineConfig({
	test: {
		// The database server starts once for the whole run, whichever projects are in it.
		globalSetup: "test/global-setup.ts",
		// Tests mostly wait (for processes, browsers, time-outs), so two files at a time fit a machine of two cores.
		maxWorkers: 2,
		projects: [
			{
				test: {
					name: "unit",
					include: ["**/*.test.ts"],
					exclude: [...ignored, "db/tests/**", "test/e2e/**"],
					testTimeout: 15_000,
					hookTimeout: 30_000,
				},
			},
			{
				test: {
					name: "db",
					include: ["db/tests/**/*.test.ts"],
					exclude: ignored,
					testTimeout: 30_000,
					hookTimeout: 30_000,
				},
			},
			{
				test: {
					name: "e2e",
					include: ["test/e2e/**/*.test.ts"],
					exclude: ignored,
					// Each of these files runs the whole system: one at a time, after the others.
					fileParallelism: false,
					sequence: { groupOrder: 1 },
					testTimeout: 120_000,
					hookTimeout: 180_000,
				},
			},
		],
	},
});
