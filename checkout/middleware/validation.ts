import { z } from "zod";
import { DomainError } from "../../db/client/errors.ts";

/** The parsed value, or invalid_request that names the first field at fault. Messages of schemas read on after the name. */
export function parseWith<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
	const parsed = schema.safeParse(value);
	if (parsed.success) return parsed.data;
	const issue = parsed.error.issues[0]!;
	const path = issue.path.map(String);
	if (issue.code === "unrecognized_keys") {
		const param = [...path, issue.keys[0]!].join(".");
		throw new DomainError("invalid_request", { message: `Unknown field: ${param}.`, param });
	}
	const param = path.join(".");
	throw new DomainError("invalid_request", { message: `${param} ${issue.message}.`, param });
}

/** For a schema's type: what the value must be, or that it is missing. */
export const expects = (what: string) => ({
	error: ({ input }: { input?: unknown }) => (input === undefined ? "is required" : `must be ${what}`),
});

/** For a query or a body in which nothing belongs. */
export const NOTHING = z.strictObject({});

/** PostgreSQL takes neither NUL nor half of a surrogate pair. */
const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes("\0");

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to find
const CONTROL = /[\u0000-\u001f\u007f]/;

/** Text of several lines. */
export const freeText = (most: number) =>
	z
		.string(expects("a string"))
		.max(most, `must have at most ${most} characters`)
		.refine(isStorable, "must be valid Unicode without NUL");

/** Text of one line. */
export const plainText = (most: number) =>
	freeText(most)
		.min(1, "must not be empty")
		.refine((text) => !CONTROL.test(text), "must not hold control characters");
