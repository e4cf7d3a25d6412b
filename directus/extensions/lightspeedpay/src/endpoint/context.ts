/** What the routes of the endpoint share. Endpoints of extensions are open to everybody unless they check. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createError, ForbiddenError, InvalidPayloadError, RouteNotFoundError } from "@directus/errors";
import { people } from "../actor/people.ts";
import { admitsAddress } from "../guard/standing.ts";
import { describeRefusal } from "../refusals.ts";

export interface Request extends IncomingMessage {
	originalUrl: string;
	params: Record<string, string | undefined>;
	query: Record<string, unknown>;
	body: unknown;
	token?: string | null;
	accountability?: { user: string | null; share?: string | null; session?: string | null } | null;
	schema: unknown;
}

export interface Response {
	set(name: string, value: string): Response;
	json(body: unknown): void;
}

export type Handler = (req: Request, res: Response & ServerResponse, next: (error: unknown) => void) => void;

export interface Router {
	get(path: string, handler: Handler): void;
	post(path: string, handler: Handler): void;
	patch(path: string, handler: Handler): void;
	delete(path: string, handler: Handler): void;
}

interface Items {
	readOne(id: string, query: object): Promise<Record<string, unknown>>;
	readByQuery(query: object): Promise<Record<string, unknown>[]>;
}

interface Database {
	raw(sql: string, values: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
}

export interface Studio {
	database: Database;
	services: { ItemsService: new (collection: string, options: object) => Items };
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const UNAVAILABLE = 403;

export function readId(req: Request, collection: string): string {
	const id = req.params.id ?? "";
	if (!UUID.test(id)) throw new RouteNotFoundError({ path: `/lightspeedpay/${collection}/${id}` });
	return id;
}

export const isUuid = (value: unknown): value is string => typeof value === "string" && UUID.test(value);

export function refuse(reason: string): never {
	throw new InvalidPayloadError({ reason });
}

export function readBody(req: Request): Record<string, unknown> {
	if (typeof req.body !== "object" || req.body === null || Array.isArray(req.body)) refuse("send a JSON object");
	return req.body as Record<string, unknown>;
}

/** A text without blanks around it; null when it is empty. */
export function readText(body: Record<string, unknown>, name: string, longest: number): string | null {
	const value = body[name] ?? null;
	if (value === null) return null;
	if (typeof value !== "string" || value.length > longest)
		refuse(`"${name}" must be a text of at most ${longest} characters`);
	return value.trim() === "" ? null : value.trim();
}

/** The person of the request, whose rights are looked up anew: a role taken away counts at once, whatever a token says. */
export async function requirePolicy(studio: Studio, req: Request, policies: readonly string[]): Promise<string> {
	const user = req.accountability?.user ?? null;
	if (user === null || req.accountability?.share || !(await holdsPolicy(studio, user, policies))) {
		throw new ForbiddenError();
	}
	return user;
}

/** Administrators may do everything. A policy with a list of addresses counts only at those. */
export async function holdsPolicy(studio: Studio, user: string, policies: readonly string[]): Promise<boolean> {
	const { rows } = await studio.database.raw(
		`with recursive held as (
			select role as id from directus.directus_users where id = ? and status = 'active'
			union
			select r.parent from directus.directus_roles r join held on held.id = r.id where r.parent is not null
		)
		select p.ip_access from directus.directus_access a
		join directus.directus_policies p on p.id = a.policy
		join directus.directus_users u on u.id = ? and u.status = 'active'
		where (a."user" = u.id or a.role in (select id from held)) and (p.admin_access or p.id::text = any (?::text[]))`,
		[user, user, policies],
	);
	const address = people.getStore()?.address ?? "";
	return rows.some(({ ip_access }) => admitsAddress(ip_access, address));
}

/** Rows with the rights of the person who asks. */
export function itemsOf(studio: Studio, req: Request, collection: string): Items {
	if ((req.accountability?.user ?? null) === null) throw new ForbiddenError();
	return new studio.services.ItemsService(collection, { schema: req.schema, accountability: req.accountability });
}

/** Calls a function of the database; what it refuses becomes an answer a person can act on. */
export async function callDatabase(studio: Studio, sql: string, values: unknown[]): Promise<Record<string, unknown>[]> {
	try {
		return (await studio.database.raw(sql, values)).rows;
	} catch (error) {
		const refusal = describeRefusal(error);
		if (refusal === null) throw error;
		// What does not exist is refused like what is not allowed.
		if (refusal.status === UNAVAILABLE) throw new ForbiddenError();
		const Refusal = createError(refusal.code, refusal.message, refusal.status);
		throw new Refusal();
	}
}

export type Row = Record<string, unknown>;

/** Of a query that gives each of its rows as one value, named row. */
export async function rowsOf(studio: Studio, sql: string, values: unknown[]): Promise<Row[]> {
	return (await callDatabase(studio, sql, values)).map(({ row }) => row as Row);
}
