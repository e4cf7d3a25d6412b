/** Turns what the database refuses into an answer a person can act on, and keeps what was sent out of the log. */
import { createError, ForbiddenError, InvalidPayloadError } from "@directus/errors";
import { defineHook } from "@directus/extensions-sdk";
import { describeRefusal } from "../refusals.ts";

interface DatabaseError {
	code?: string;
	constraint?: string;
	table?: string;
}

const CHECK_VIOLATION = "23514";
const INSUFFICIENT_PRIVILEGE = "42501";

/** As Directus' own: forms mark the field and say in the person's language what is wrong, in the field's own words where it has any. */
const ValueRefusedError = createError<{ field: string; type: "regex"; path: string[] }>(
	"FAILED_VALIDATION",
	({ field }) => `"${field}" has a value that is not allowed.`,
	400,
);

interface LoggedError {
	name?: string;
	originalError?: unknown;
	locations?: unknown;
	path?: unknown;
}

export default defineHook(({ filter }, { logger }) => {
	// An invalid GraphQL request is logged with the variables it came with, which may be secrets.
	const write = logger.error.bind(logger) as (...parts: unknown[]) => void;
	logger.error = (...parts: unknown[]) => {
		const error = parts[0] as LoggedError | undefined;
		if (error?.name !== "GraphQLError") return write(...parts);
		if (error.originalError) return write(error.originalError);
		write({ locations: error.locations, path: error.path }, "a GraphQL request was not valid");
	};

	// No right in the database to delete anything of ours; Directus passes that refusal on as an error 500.
	filter("items.delete", () => {
		throw new ForbiddenError({ reason: "Nothing is deleted here: switch off, disable or resolve instead." });
	});

	filter("database.error", (error) => {
		const { code, constraint, table } = error as DatabaseError;
		const refusal = describeRefusal(error);
		// Directus ends its sentence itself.
		if (refusal !== null) return new InvalidPayloadError({ reason: refusal.message.replace(/\.$/, "") });
		if (code === CHECK_VIOLATION && constraint !== undefined) {
			const field = constraint.replace(new RegExp(`^${table}_`), "").replace(/_check$/, "");
			return new ValueRefusedError({ field, type: "regex", path: [] });
		}
		if (code === INSUFFICIENT_PRIVILEGE) {
			return new InvalidPayloadError({ reason: "the database does not let the studio do this" });
		}
		return error;
	});
});
