/** What the database says of a person at this moment, whatever their token says. */
import { fetchGlobalAccess, fetchRolesTree, ipInNetworks } from "@directus/utils/node";

export interface Accountability {
	user: string | null;
	role: string | null;
	roles: string[];
	admin: boolean;
	app: boolean;
	ip: string | null;
	share?: string | null;
	session?: string | null;
}

export interface Database {
	raw(sql: string, values: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
}

export interface Asker {
	token?: string | null;
	accountability?: { user: string | null; session?: string | null } | null;
}

interface Standing {
	/** Of everybody's rights; another one than before means that they have changed. */
	version: string;
	status: string | null;
	role: string | null;
	lacks_second_factor: boolean;
	/** One of their policies counts from some addresses only. */
	depends_on_address: boolean;
	/** A session of theirs was ended after the token was made, and the token says of no session. */
	is_ended: boolean;
}

/** Claim of a token: when it was made, in milliseconds of the database's clock; `iat` has whole seconds only. */
export const MADE_AT = "made_at_ms";

export async function readStanding(database: Database, { token, accountability }: Asker): Promise<Standing> {
	const { rows } = await database.raw(
		`select r.version::text as version, u.status, u.role,
			u.tfa_secret is null and coalesce(policies.enforces_second_factor, false) as lacks_second_factor,
			coalesce(policies.lists_addresses, false) as depends_on_address,
			coalesce(f.valid_from > to_timestamp(?::double precision / 1000), false) as is_ended
		from public.studio_rights r
		left join directus.directus_users u on u.id = ?::uuid
		left join public.studio_token_floors f on f.user_id = u.id
		left join lateral (
			with recursive held as (
				select u.role as id where u.role is not null
				union
				select p.parent from directus.directus_roles p join held on held.id = p.id where p.parent is not null
			)
			select bool_or(p.enforce_tfa) as enforces_second_factor, bool_or(p.ip_access is not null) as lists_addresses
			from directus.directus_access a join directus.directus_policies p on p.id = a.policy
			where a."user" = u.id or a.role in (select id from held)
		) policies on u.id is not null`,
		[madeAt(token), accountability?.user ?? null],
	);
	return rows[0] as unknown as Standing;
}

/** Null for what is no token of a log-in, or belongs to a session, which Directus looks up itself. */
function madeAt(token: string | null | undefined): number | null {
	const claims = readClaims(token);
	if (claims === null || "session" in claims) return null;
	const made = Number(claims[MADE_AT] ?? Number(claims.iat) * 1000);
	return Number.isFinite(made) ? made : 0;
}

/** Directus has verified the signature before. */
function readClaims(token: string | null | undefined): Record<string, unknown> | null {
	const [, payload, signature] = (token ?? "").split(".");
	if (!payload || !signature) return null;
	try {
		return JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
	} catch {
		return null;
	}
}

/** Whether a person is still let in at all; for what stays open after they were. */
export async function isStillAdmitted(database: Database, asker: Asker): Promise<boolean> {
	const standing = await readStanding(database, asker);
	if (standing.status !== "active" || standing.is_ended || standing.lacks_second_factor) return false;
	const session = asker.accountability?.session ?? null;
	if (session === null) return true;
	const { rows } = await database.raw("select from directus.directus_sessions where token = ? and expires > now()", [
		session,
	]);
	return rows.length > 0;
}

/** Roles and access as they are now, in place of what the token or a cache says. */
export async function renewAccountability(
	database: Database,
	accountability: Accountability,
	role: string | null,
): Promise<void> {
	const knex = database as unknown as Parameters<typeof fetchRolesTree>[1]["knex"];
	accountability.role = role;
	accountability.roles = await fetchRolesTree(role, { knex });
	const { user, roles, ip } = accountability;
	const { admin, app } = await fetchGlobalAccess({ user, roles, ip }, { knex });
	accountability.admin = admin;
	accountability.app = app;
}

/** Whether a policy's list of addresses lets this one in; a policy without a list lets all in. */
export function admitsAddress(list: unknown, address: string): boolean {
	if (typeof list !== "string" || list.trim() === "") return true;
	try {
		return ipInNetworks(address, list.split(","));
	} catch {
		return false;
	}
}
