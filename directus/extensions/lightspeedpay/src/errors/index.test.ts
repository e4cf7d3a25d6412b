import { expect, it } from "vitest";
import errors from "./index.ts";

type Handler = (given: unknown) => unknown;

it("names the field whose value a check refuses, as forms understand it", () => {
	const filters = new Map<string, Handler>();
	errors(
		{ filter: (event: string, handler: Handler) => filters.set(event, handler) } as never,
		{ logger: { error: () => {} } } as never,
	);
	const refused = { code: "23514", table: "payment_gateways", constraint: "payment_gateways_max_amount_check" };
	expect(filters.get("database.error")!(refused)).toMatchObject({
		code: "FAILED_VALIDATION",
		message: '"max_amount" has a value that is not allowed.',
		status: 400,
		extensions: { field: "max_amount", type: "regex" },
	});
});
