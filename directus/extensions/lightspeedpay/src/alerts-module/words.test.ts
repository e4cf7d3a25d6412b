import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { linksOf } from "./subjects.ts";
import { KINDS, placeOf } from "./words.ts";

const REPOSITORY = join(import.meta.dirname, "../../../../..");

it("there are words for every kind of alert that is raised, and for no other", () => {
	const raised = new Set<string>();
	const find = (files: string, pattern: RegExp) => {
		for (const file of globSync(files, { cwd: REPOSITORY })) {
			if (file.includes("/tests/") || file.endsWith(".test.ts")) continue;
			for (const [, kind] of readFileSync(join(REPOSITORY, file), "utf8").matchAll(pattern)) raised.add(kind!);
		}
	};
	find("db/functions/*.sql", /raise_alert\(\s*'([a-z_]+)'/g);
	find("{jobs,checkout}/**/*.ts", /kind: "([a-z_]+)",\s*severity:/g);
	expect(Object.keys(KINDS).sort()).toEqual([...raised].sort());
});

it("an alert leads to the rows it names, the merchant last, and to the area where it is dealt with", () => {
	const alert = { client_id: "c", details: { transaction_id: "t", refund_id: "r", url: "u" } };
	expect(linksOf(alert).map(({ to }) => to)).toEqual([
		"/content/refunds/r",
		"/content/transactions/t",
		"/content/clients/c",
	]);
	const place = (kind: string, client_id: string | null, details = {}) =>
		placeOf({ kind, client_id, details } as unknown as Parameters<typeof placeOf>[0]);
	expect(place("dead_jobs", null, { queue: "create_psp_order:mumbai" })).toEqual({
		area: "queues",
		to: "/queues/create_psp_order%3Amumbai",
	});
	expect(place("dues_outstanding", "c")).toEqual({ area: "commission", to: "/commission/c" });
	expect(place("gateway_cooled_down", "c")).toEqual({ area: "gateways", to: "/gateways/c" });
	expect(place("amount_mismatch", "c")).toBeNull();
});
