import type { Request, RequestHandler } from "express";
import { DomainError } from "../../db/client/errors.ts";
import { isSaltOf, isSignedBy, type KnownClient } from "../client-directory.ts";
import type { Dependencies } from "../dependencies.ts";
import { parseJsonBody } from "./raw-body.ts";

/** Each way, by the database's clock. */
const TIMESTAMP_TOLERANCE_SECONDS = 300;

const NO_BODY = Buffer.alloc(0);

/** A merchant's request, with its JSON body parsed (once) and rid of credentials. */
export interface AuthenticatedBody {
	merchant: KnownClient;
	body: Record<string, unknown>;
}

type Authentication = Pick<Dependencies, "clients" | "clock">;

/** For requests without a body: sets req.merchant. */
export function authenticate(dependencies: Authentication): RequestHandler {
	return async (req, _res, next) => {
		req.merchant = await authenticateHeaders(req, NO_BODY, dependencies);
		next();
	};
}

/** For requests whose body readBody has read; key and salt may be in it. */
export async function authenticateBody(req: Request, dependencies: Authentication): Promise<AuthenticatedBody> {
	const { headers } = req;
	if (headers["x-signature"] === undefined && headers["x-client-salt"] === undefined) {
		const { client_key, client_salt, ...body } = parseJsonBody(req);
		if (typeof client_key === "string" && typeof client_salt === "string") {
			req.merchant = await authenticatePlain(client_key, client_salt, dependencies);
			return { merchant: req.merchant, body };
		}
	}
	req.merchant = await authenticateHeaders(req, req.raw_body, dependencies);
	return { merchant: req.merchant, body: parseJsonBody(req) };
}

function authenticateHeaders(req: Request, raw_body: Buffer, dependencies: Authentication): Promise<KnownClient> {
	const salt = req.headers["x-client-salt"];
	if (req.headers["x-signature"] === undefined && typeof salt === "string") {
		return authenticatePlain(requireHeader(req, "X-Client-Key"), salt, dependencies);
	}
	return authenticateSigned(req, raw_body, dependencies);
}

async function authenticateSigned(
	req: Request,
	raw_body: Buffer,
	{ clients, clock }: Authentication,
): Promise<KnownClient> {
	const client_key = requireHeader(req, "X-Client-Key");
	const timestamp = requireHeader(req, "X-Timestamp");
	const signature = requireHeader(req, "X-Signature");
	if (!/^\d{1,12}$/.test(timestamp)) {
		throw new DomainError("invalid_credentials", {
			message: "X-Timestamp must be the time in whole seconds since 1970.",
			param: "X-Timestamp",
		});
	}
	if (!/^[0-9a-f]{64}$/.test(signature)) {
		throw new DomainError("invalid_credentials", {
			message: "X-Signature must be 64 lower-case hexadecimal digits.",
			param: "X-Signature",
		});
	}
	if (Math.abs(Number(timestamp) - clock.now() / 1000) > TIMESTAMP_TOLERANCE_SECONDS) {
		throw new DomainError("timestamp_out_of_range", { param: "X-Timestamp" });
	}
	const signed = [`${timestamp}.${req.method}.${req.originalUrl}.`, raw_body];
	const digest = Buffer.from(signature, "hex");
	const client = await clients.authenticate(client_key, (each) => isSignedBy(each, signed, digest));
	if (client === null) throw new DomainError("invalid_credentials");
	return client;
}

async function authenticatePlain(
	client_key: string,
	client_salt: string,
	{ clients }: Authentication,
): Promise<KnownClient> {
	const client = await clients.authenticate(client_key, (each) => isSaltOf(each, client_salt));
	if (client === null) throw new DomainError("invalid_credentials");
	if (!client.allow_plain_salt) {
		// Said only to whoever holds the salt.
		throw new DomainError("invalid_credentials", {
			message: "Sending the salt itself is switched off for this merchant: sign the request instead.",
		});
	}
	return client;
}

function requireHeader(req: Request, name: string): string {
	const value = req.headers[name.toLowerCase()];
	if (typeof value === "string" && value !== "") return value;
	throw new DomainError("invalid_credentials", { message: `The header ${name} is missing.`, param: name });
}
