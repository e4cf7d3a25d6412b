/**
 * Prepares the database and the studio of a deployment whose processes are started one by one (Docker Compose, systemd,
 * Kubernetes): run it before each new version, `npm run prepare:deployment`. `npm start` does the same by itself.
 */
import { z } from "zod";
import { PrepareError, prepareDatabase, roleUrl } from "../db/prepare.ts";
import { prepareStudio } from "../directus/prepare.ts";
import { splitDatabaseUrl } from "./database-url.ts";

const password = (name: string) => z.string({ error: `${name} is not set: give it a long random password.` }).min(1);

const environment = z.object({
	DATABASE_URL: z.url({
		protocol: /^postgres(ql)?$/,
		error: "DATABASE_URL must be an administrator's postgres://user:password@host:5432/lightspeedpay.",
	}),
	OWNER_PASSWORD: password("OWNER_PASSWORD"),
	CHECKOUT_PASSWORD: password("CHECKOUT_PASSWORD"),
	JOBS_PASSWORD: password("JOBS_PASSWORD"),
	STUDIO_PASSWORD: password("STUDIO_PASSWORD"),
	FINANCE_PASSWORD: password("FINANCE_PASSWORD"),
	ADMIN_EMAIL: z.email({ error: "ADMIN_EMAIL must be the first administrator's e-mail address." }),
	ADMIN_PASSWORD: password("ADMIN_PASSWORD"),
	STUDIO_REQUIRE_TFA: z.enum(["on", "off"], { error: "STUDIO_REQUIRE_TFA must be on or off." }).default("on"),
});

const set = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== ""));
const parsed = environment.safeParse(set);
if (!parsed.success) {
	console.error(parsed.error.issues[0]!.message);
	process.exit(1);
}
const env = parsed.data;
const { adminUrl, database } = splitDatabaseUrl(env.DATABASE_URL);
try {
	await prepareDatabase({
		adminUrl,
		database,
		passwords: {
			owner: env.OWNER_PASSWORD,
			checkout: env.CHECKOUT_PASSWORD,
			jobs: env.JOBS_PASSWORD,
			studio: env.STUDIO_PASSWORD,
			finance: env.FINANCE_PASSWORD,
		},
		report: console.log,
	});
	await prepareStudio({
		databaseUrl: roleUrl(adminUrl, database, "studio", env.STUDIO_PASSWORD),
		admin: { email: env.ADMIN_EMAIL, password: env.ADMIN_PASSWORD },
		requireSecondFactor: env.STUDIO_REQUIRE_TFA === "on",
		report: console.log,
	});
	console.log("The database and the studio are prepared.");
} catch (error) {
	if (!(error instanceof PrepareError)) throw error;
	console.error(error.message);
	process.exit(1);
}
