import { isUtf8 } from "node:buffer";
import type { Request, RequestHandler } from "express";
import { DomainError } from "../../db/client/errors.ts";
import { findDuplicateKey } from "./duplicate-key.ts";

export const MOST_BODY_BYTES = 1024 * 1024;
/**
 * What is read and thrown away of a body that is too large: who is still sending when the connection closes does not get to
 * read the answer. Beyond this the connection is cut.
 */
const MOST_DISCARDED_BYTES = 16 * 1024 * 1024;

const JSON_TYPE = /^application\/json\s*(;\s*charset\s*=\s*"?utf-?8"?\s*)?;?\s*$/i;

/** Keeps the exact bytes in req.raw_body: signatures are made over them. */
export const readBody: RequestHandler = (req, _res, next) => {
	if ((req.headers["content-encoding"] ?? "identity") !== "identity") {
		throw new DomainError("unsupported_media_type", {
			message: "Send the body without Content-Encoding.",
			param: "Content-Encoding",
		});
	}
	let chunks: Buffer[] = [];
	let size = 0;
	req.on("data", (chunk: Buffer) => {
		size += chunk.length;
		if (size <= MOST_BODY_BYTES) {
			chunks.push(chunk);
			return;
		}
		chunks = [];
		if (size > MOST_DISCARDED_BYTES) req.destroy();
	});
	req.on("end", () => {
		if (size > MOST_BODY_BYTES) {
			next(new DomainError("payload_too_large"));
			return;
		}
		req.raw_body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
		next();
	});
	// Nobody is left to be answered.
	req.on("error", () => {});
};

export const requireJson: RequestHandler = (req, _res, next) => {
	if (!JSON_TYPE.test(req.headers["content-type"] ?? "")) {
		throw new DomainError("unsupported_media_type", { param: "Content-Type" });
	}
	next();
};

/** The body as a JSON object; none at all, and none announced, is an empty one. */
export function parseJsonBody(req: Request): Record<string, unknown> {
	if (req.raw_body.length === 0 && req.headers["content-type"] === undefined) return {};
	let text: string;
	let value: unknown;
	try {
		if (!isUtf8(req.raw_body)) throw new SyntaxError("not UTF-8");
		text = req.raw_body.toString("utf8");
		value = JSON.parse(text);
	} catch (cause) {
		throw new DomainError("invalid_request", { message: "The body is not valid JSON in UTF-8.", param: "body", cause });
	}
	if (typeof value !== "object" || value === null || Array.isArray(value)) {
		throw new DomainError("invalid_request", { message: "The body must be a JSON object.", param: "body" });
	}
	const duplicate = findDuplicateKey(text);
	if (duplicate !== null) {
		throw new DomainError("invalid_request", { message: `The body names ${duplicate} twice.`, param: duplicate });
	}
	return value as Record<string, unknown>;
}
