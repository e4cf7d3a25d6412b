/** A person's sessions: their own for everybody, anybody's for administrators. What names one is its token's SHA-256. */
import { createHash } from "node:crypto";
import { ForbiddenError, RouteNotFoundError } from "@directus/errors";
import {
	callDatabase,
	holdsPolicy,
	isUuid,
	type Request,
	type Router,
	readBody,
	readText,
	refuse,
	type Studio,
} from "./context.ts";
import { addRoute } from "./routes.ts";

const SHA256 = /^[0-9a-f]{64}$/;

export function addSessionRoutes(router: Router, studio: Studio): void {
	addRoute(router, studio, {
		method: "get",
		path: "/sessions",
		who: "reader",
		answer: async (req, actor) => {
			const user = await readPerson(studio, req.query.user, actor);
			const { rows } = await studio.database.raw(
				`select encode(sha256(convert_to(s.token, 'UTF8')), 'hex') as id, s.user_agent as device, s.ip as address,
					u.started_at, u.last_used_at, s.expires as expires_at,
					coalesce(encode(sha256(convert_to(s.token, 'UTF8')), 'hex') = ?, false) as is_this
				from directus.directus_sessions s
				left join public.studio_session_uses u on u.session = sha256(convert_to(s.token, 'UTF8'))
				where s."user" = ?::uuid and s.share is null and s.next_token is null and s.expires > now()
				order by is_this desc, u.last_used_at desc nulls last
				limit 100`,
				[sessionOf(req), user],
			);
			return { sessions: rows };
		},
	});

	addRoute(router, studio, {
		method: "post",
		path: "/sessions/:id/end",
		who: "reader",
		answer: async (req, actor) => {
			const id = req.params.id ?? "";
			if (!SHA256.test(id)) throw new RouteNotFoundError({ path: `/lightspeedpay/sessions/${id}/end` });
			const ended = await end(studio, req, actor, id);
			// Of somebody else, or ended before: both are none of this person's.
			if (ended === 0) throw new ForbiddenError();
			return { ended };
		},
	});

	// All of them; of one's own all but the one that asks.
	addRoute(router, studio, {
		method: "post",
		path: "/sessions/end",
		who: "reader",
		answer: async (req, actor) => ({ ended: await end(studio, req, actor, null) }),
	});
}

async function readPerson(studio: Studio, given: unknown, actor: string): Promise<string> {
	const user = given ?? actor;
	if (!isUuid(user)) refuse(`"user" must be a person's id`);
	if (user !== actor && !(await holdsPolicy(studio, actor, []))) throw new ForbiddenError();
	return user;
}

async function end(studio: Studio, req: Request, actor: string, id: string | null): Promise<number> {
	const body = readBody(req);
	const user = await readPerson(studio, body.user, actor);
	const reason = readText(body, "reason", 500);
	if (user !== actor && reason === null) refuse("Say why: the person will ask");
	const except = id === null && user === actor ? sessionOf(req) : null;
	const [row] = await callDatabase(studio, "select public.end_studio_session(?::uuid, ?, ?, ?, ?) as ended", [
		user,
		id,
		except,
		actor,
		reason,
	]);
	return Number(row!.ended);
}

function sessionOf(req: Request): string | null {
	const session = req.accountability?.session ?? null;
	return session === null ? null : createHash("sha256").update(session).digest("hex");
}
