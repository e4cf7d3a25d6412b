/**
 * Stands before every route (REST, GraphQL, files, our own): what a person may do is what the database says now, not what
 * their token or a cache of this process says.
 *
 * Directus takes the role from the token, keeps permissions in each process until that process itself changes them, lets an
 * access token live on after its session was ended, and leaves the second factor to the app. Here one query a request finds
 * the person's status, role and second factor, and a version that the triggers of the tables of rights raise with each change
 * (public.studio_rights), whichever process or SQL client made it.
 */
import { createError, InvalidCredentialsError } from "@directus/errors";
import { defineHook } from "@directus/extensions-sdk";
import { keepSchemasByAddress } from "./graphql-schemas.ts";
import { type Accountability, MADE_AT, readStanding, renewAccountability } from "./standing.ts";

interface Request {
	method: string;
	path: string;
	query: Record<string, unknown>;
	token?: string | null;
	accountability?: Accountability | null;
	schema: unknown;
}

interface Services {
	UtilsService: new (options: object) => { clearCache(options: { system: boolean }): Promise<void> };
}

const SecondFactorNeeded = createError(
	"SECOND_FACTOR_NEEDED",
	"Your role needs two-factor authentication: set it up on your profile, then everything else opens.",
	403,
);
const MailNotSetUp = createError(
	"MAIL_NOT_SET_UP",
	"Invitations go out by mail, and mail is not set up: set EMAIL_TRANSPORT and EMAIL_FROM, or make the person here with a first password.",
	503,
);

/** What the app needs to open, to show and finish the set-up of a second factor, and to log out. */
const ENROLMENT = new Set([
	"GET /users/me",
	"GET /policies/me/globals",
	"GET /permissions/me",
	"GET /roles/me",
	"GET /settings",
	"GET /server/info",
	"GET /auth",
	// The app reads what the studio is made of before it opens any page; nothing of this is a row of ours.
	"GET /collections",
	"GET /dashboards",
	"GET /extensions",
	"GET /extensions/sources/index.js",
	"GET /fields",
	"GET /flows",
	"GET /panels",
	"GET /presets",
	"GET /relations",
	"GET /translations",
	"POST /users/me/tfa/generate",
	"POST /users/me/tfa/enable",
	"POST /auth/login",
	"POST /auth/refresh",
	"POST /auth/logout",
]);

function isOfEnrolment({ method, path, query }: Request): boolean {
	const address = `${method} ${path.replace(/\/$/, "")}`;
	if (ENROLMENT.has(address)) return true;
	// How many there are, for the bell; what they say comes later.
	return address === "GET /notifications" && "aggregate" in query && !("groupBy" in query);
}

const USED_EVERY_MS = 60_000;
/** A request under way may still put into the cache what it read before the change. */
const ONCE_MORE_MS = 2_000;

export default defineHook(({ init, filter }, { database, services, getSchema, logger }) => {
	let known: string | null = null;
	let forgetting: Promise<void> | null = null;
	const noted = new Map<string, number>();

	async function forget(): Promise<void> {
		const { UtilsService } = services as unknown as Services;
		const utilities = new UtilsService({ knex: database, schema: null, accountability: { admin: true } });
		await utilities.clearCache({ system: true });
	}

	function forgetOnce(version: string): Promise<void> {
		forgetting ??= forget()
			.then(() => {
				known = version;
				setTimeout(() => forget().catch((error) => logger.warn(error)), ONCE_MORE_MS).unref();
			})
			.finally(() => {
				forgetting = null;
			});
		return forgetting;
	}

	function noteUse(session: string): void {
		const now = Date.now();
		if (now - (noted.get(session) ?? 0) < USED_EVERY_MS) return;
		if (noted.size > 10_000) noted.clear();
		noted.set(session, now);
		database
			.raw(
				"update public.studio_session_uses set last_used_at = now() where session = sha256(convert_to(?, 'UTF8')) and last_used_at < now() - interval '30 seconds'",
				[session],
			)
			.catch((error: unknown) => logger.warn(error));
	}

	async function check(req: Request): Promise<void> {
		const standing = await readStanding(database, req);
		known ??= standing.version;
		const changed = standing.version !== known;
		if (changed) {
			await forgetOnce(standing.version);
			req.schema = await getSchema();
		}
		const person = req.accountability;
		if (!person?.user) return;
		if (standing.status !== "active" || standing.is_ended) throw new InvalidCredentialsError();
		// Directus keeps whether somebody is an administrator, or may open the app, without the address that they asked from.
		const is_stale = changed || person.role !== standing.role || standing.depends_on_address;
		if (is_stale) await renewAccountability(database, person, standing.role);
		if (standing.lacks_second_factor && !isOfEnrolment(req)) throw new SecondFactorNeeded();
		if (person.session) noteUse(person.session);
	}

	init("app.before", keepSchemasByAddress);

	init("middlewares.after", ({ app }) => {
		app.use((req: Request, _res: unknown, next: (error?: unknown) => void) => {
			check(req).then(() => next(), next);
		});
	});

	filter("auth.jwt", async (claims) => {
		const { rows } = await database.raw("select extract(epoch from clock_timestamp()) * 1000 as now");
		return { ...(claims as object), [MADE_AT]: Math.floor(Number(rows[0].now)) };
	});

	// Directus would make the person, answer that all is well, and write a line into its log.
	filter("users.create", (payload) => {
		if ((payload as { status?: string }).status === "invited" && !isMailSetUp()) throw new MailNotSetUp();
		return payload;
	});
});

/** Directus has defaults for both, which lead nowhere. */
function isMailSetUp(): boolean {
	return Boolean(process.env.EMAIL_TRANSPORT && process.env.EMAIL_FROM);
}
