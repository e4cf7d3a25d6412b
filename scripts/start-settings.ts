/** What `npm start` reads from its environment and keeps in DATA_DIR; every refusal is one sentence that says what to do. */
import { createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { DATABASE_ROLES, type DatabaseRole } from "../db/prepare.ts";

/** The message is shown as it is, without a stack. */
export class StartError extends Error {
	override name = "StartError";
}

const port = (name: string, standard: number) =>
	z.coerce
		.number({ error: `${name} must be a port number, e.g. ${name}=${standard}.` })
		.int(`${name} must be a whole number.`)
		.min(0, `${name} must be between 0 (any free port) and 65535.`)
		.max(65_535, `${name} must be between 0 (any free port) and 65535.`)
		.default(standard);

const environment = z.object({
	DATA_DIR: z.string().default(".data"),
	HOST: z.string().default("127.0.0.1"),
	CHECKOUT_PORT: port("CHECKOUT_PORT", 3000),
	STUDIO_PORT: port("STUDIO_PORT", 8055),
	SANDBOX_PORT: port("SANDBOX_PORT", 4000),
	PG_PORT: port("PG_PORT", 5432),
	PUBLIC_CHECKOUT_URL: z.string().optional(),
	PUBLIC_STUDIO_URL: z.string().optional(),
	DATABASE_URL: z
		.url({
			protocol: /^postgres(ql)?$/,
			error: "DATABASE_URL must look like postgres://user:password@host:5432/lightspeedpay.",
		})
		.optional(),
	BACKUP_DIR: z.string().optional(),
	BACKUP_KEEP_DAYS: z.coerce
		.number({ error: "BACKUP_KEEP_DAYS must be a number of days, e.g. BACKUP_KEEP_DAYS=7." })
		.int("BACKUP_KEEP_DAYS must be a whole number of days.")
		.min(1, "BACKUP_KEEP_DAYS must be at least 1.")
		.default(7),
	NODE_ENV: z.string().optional(),
	STUDIO_REQUIRE_TFA: z.enum(["on", "off"], { error: "STUDIO_REQUIRE_TFA must be on or off." }).optional(),
});

export interface Settings {
	dataDirectory: string;
	host: string;
	checkoutPort: number;
	studioPort: number;
	/** Where our own processes reach the studio. */
	innerStudioUrl: string;
	sandboxPort: number;
	postgresPort: number;
	checkoutUrl: string;
	studioUrl: string;
	sandboxUrl: string;
	databaseUrl: string | null;
	/** Base backups and archived log of the embedded server. */
	backupDirectory: string;
	backupKeepDays: number;
	/** Sandbox and demo merchants; never when NODE_ENV is production. */
	demo: boolean;
	/** Of studio's roles that deal in money, people or secrets; the demo does without unless asked. */
	requireSecondFactor: boolean;
}

export async function readSettings(source: Record<string, string | undefined>): Promise<Settings> {
	const set = Object.fromEntries(Object.entries(source).filter(([, value]) => value !== ""));
	const parsed = environment.safeParse(set);
	if (!parsed.success) throw new StartError(parsed.error.issues[0]!.message);
	const env = parsed.data;
	const demo = env.NODE_ENV !== "production";
	const checkoutPort = await claimPort("CHECKOUT_PORT", env.CHECKOUT_PORT, env.HOST);
	const studioPort = await claimPort("STUDIO_PORT", env.STUDIO_PORT, env.HOST);
	const sandboxPort = demo ? await claimPort("SANDBOX_PORT", env.SANDBOX_PORT, "127.0.0.1") : 0;
	// A browser cannot go to the address that means "every interface".
	const shown = env.HOST === "0.0.0.0" || env.HOST === "::" ? "127.0.0.1" : env.HOST;
	return {
		dataDirectory: resolve(env.DATA_DIR),
		host: env.HOST,
		checkoutPort,
		studioPort,
		sandboxPort,
		postgresPort: env.PG_PORT,
		checkoutUrl: (env.PUBLIC_CHECKOUT_URL ?? `http://${shown}:${checkoutPort}`).replace(/\/+$/, ""),
		innerStudioUrl: `http://${shown}:${studioPort}`,
		studioUrl: (env.PUBLIC_STUDIO_URL ?? `http://${shown}:${studioPort}`).replace(/\/+$/, ""),
		sandboxUrl: `http://127.0.0.1:${sandboxPort}`,
		databaseUrl: env.DATABASE_URL ?? null,
		backupDirectory: resolve(env.BACKUP_DIR ?? join(env.DATA_DIR, "backups")),
		backupKeepDays: env.BACKUP_KEEP_DAYS,
		demo,
		requireSecondFactor: (env.STUDIO_REQUIRE_TFA ?? (demo ? "off" : "on")) === "on",
	};
}

/** The parts know each other's addresses before they start, so the ports are chosen here. */
async function claimPort(variable: string, wanted: number, host: string): Promise<number> {
	const probe = createServer().listen(wanted, host);
	try {
		await once(probe, "listening");
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code === "EADDRINUSE") {
			throw new StartError(
				`Port ${wanted} is taken: stop the program that uses it, or choose another port, e.g. ${variable}=${wanted < 65_535 ? wanted + 1 : 3000} npm start.`,
			);
		}
		if (code === "EACCES") {
			throw new StartError(`Port ${wanted} is reserved for root: choose one above 1023 with ${variable}.`);
		}
		throw new StartError(`HOST ${host} is not an address of this machine (${code}): use 127.0.0.1 or 0.0.0.0.`);
	}
	const chosen = (probe.address() as { port: number }).port;
	probe.close();
	await once(probe, "close");
	return chosen;
}

export function openDataDirectory(directory: string): void {
	try {
		makeDirectory(join(directory, "logs"));
		writeFileSync(join(directory, ".writable"), "");
		rmSync(join(directory, ".writable"));
	} catch (error) {
		throw new StartError(
			`${directory} cannot be written to (${(error as NodeJS.ErrnoException).code}): choose another directory, e.g. DATA_DIR=$HOME/lightspeedpay npm start.`,
		);
	}
	// Under root the database server runs as another user, which must get through to its own directory.
	chmodSync(directory, process.getuid?.() === 0 ? 0o711 : 0o700);
}

/** One level at a time: Node's recursive mkdir never returns on a file system that answers ENOENT, as /proc does. */
function makeDirectory(path: string): void {
	if (existsSync(path)) return;
	makeDirectory(dirname(path));
	mkdirSync(path, { mode: 0o700 });
}

/** Refuses a second supervisor on one directory; returns what gives the directory free again. */
export function lockDataDirectory(directory: string): () => void {
	const file = join(directory, "supervisor.pid");
	for (let attempt = 1; ; attempt++) {
		try {
			writeFileSync(file, String(process.pid), { flag: "wx" });
			return () => rmSync(file, { force: true });
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
		}
		const pid = Number(readFileSync(file, "utf8"));
		if (attempt === 2 || isSupervisor(pid)) {
			throw new StartError(
				`LightSpeedPay already runs on ${directory} (process ${pid}): stop that one, or start this one with another DATA_DIR.`,
			);
		}
		// Its supervisor was killed.
		rmSync(file, { force: true });
	}
}

function isSupervisor(pid: number): boolean {
	if (!Number.isInteger(pid) || pid <= 1 || pid === process.pid) return false;
	try {
		process.kill(pid, 0);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
	}
	try {
		// The pid may belong to another program by now.
		return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("start.");
	} catch {
		return true;
	}
}

const secretsFile = z.object({
	database_superuser_password: z.string(),
	database_passwords: z.record(z.enum(DATABASE_ROLES), z.string()),
	encryption_keys: z.string(),
	status_token_key: z.string(),
	studio_secret: z.string(),
	passwords: z.object({ administrator: z.string(), operator: z.string(), finance: z.string() }),
});
export type Secrets = z.output<typeof secretsFile>;

/** Made on the first start; the data of the directory can only be read with them, so they stay for good. */
export function readOrMakeSecrets(directory: string): Secrets {
	const file = join(directory, "secrets.json");
	let text: string;
	try {
		text = readFileSync(file, "utf8");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
		const secrets = makeSecrets();
		writeFileSync(file, `${JSON.stringify(secrets, null, "\t")}\n`, { mode: 0o600 });
		return secrets;
	}
	try {
		return secretsFile.parse(JSON.parse(text));
	} catch {
		throw new StartError(
			`${file} is damaged: restore it from a backup, or remove ${directory} to start over with an empty system.`,
		);
	}
}

/** Of the login that backs up; follows from the administrator's, as the two are worth the same. */
export function backupPassword({ database_superuser_password }: Secrets): string {
	return createHmac("sha256", database_superuser_password).update("lightspeedpay.backup").digest("base64url");
}

function makeSecrets(): Secrets {
	const password = () => randomBytes(18).toString("base64url");
	return {
		database_superuser_password: password(),
		database_passwords: Object.fromEntries(DATABASE_ROLES.map((role) => [role, password()])) as Record<
			DatabaseRole,
			string
		>,
		encryption_keys: `k${randomBytes(3).toString("hex")}:${randomBytes(32).toString("base64")}`,
		status_token_key: randomBytes(32).toString("base64"),
		studio_secret: randomBytes(32).toString("base64url"),
		passwords: { administrator: password(), operator: password(), finance: password() },
	};
}
