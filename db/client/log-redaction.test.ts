import { PassThrough } from "node:stream";
import { pino } from "pino";
import { expect, test } from "vitest";
import { LOG_REDACTION } from "./log-redaction.ts";

/** The line that a logger with these options writes. */
function written(log: (logger: pino.Logger) => void): string {
	const stream = new PassThrough();
	log(pino({ ...LOG_REDACTION }, stream));
	return stream.read().toString();
}

test("secrets are not logged, at the top or one level down", () => {
	const line = written((logger) =>
		logger.info({ token: "s3cret", account: { api_secret: "s3cret" }, order_id: "kept" }),
	);
	expect(line).not.toContain("s3cret");
	expect(line).toContain("kept");
});

test("an error is logged without the values of rows that a database error carries, its cause neither", () => {
	const database_error = Object.assign(new Error("duplicate key"), { code: "23505", detail: "Key (email)=(s3cret)" });
	const line = written((logger) => logger.error({ err: new Error("cannot store", { cause: database_error }) }));
	expect(line).not.toContain("s3cret");
	expect(JSON.parse(line).err).toMatchObject({
		message: "cannot store",
		cause: { message: "duplicate key", code: "23505" },
	});
});
