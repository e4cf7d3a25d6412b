/**
 * The whole system on one machine (`npm start` → start.mjs → here): database, sandbox, jobs, checkout, studio, demo data.
 * What does not depend on each other starts at the same time. What ends unasked once all is up is started again; a part that
 * does not come up at first ends all. Ends with 0 after Ctrl-C or SIGTERM, else with 1; either way nothing keeps running.
 */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { backupUrl, prepareBackupRole } from "../db/backup/role.ts";
import { createConnection } from "../db/client/connection.ts";
import { parseEncryptionKeys } from "../db/client/secrets.ts";
import { type Cluster, ClusterError, startCluster } from "../db/cluster.ts";
import { type DatabaseRole, PrepareError, prepareDatabase, roleUrl } from "../db/prepare.ts";
import { prepareStudio } from "../directus/prepare.ts";
import { ensureUser } from "../directus/users.ts";
import { providers } from "../psp/providers.ts";
import { splitDatabaseUrl } from "./database-url.ts";
import { demoWhatsapp, registerWhatsapp } from "./demo-whatsapp.ts";
import { NODE_OPTIONS } from "./node-options.ts";
import { Part, PartCrash } from "./part.ts";
import { type DemoMerchant, registerWithSandbox, seedMerchants } from "./seed-demo.ts";
import {
	backupPassword,
	lockDataDirectory,
	openDataDirectory,
	readOrMakeSecrets,
	readSettings,
	type Secrets,
	type Settings,
	StartError,
} from "./start-settings.ts";

const ROOT = join(import.meta.dirname, "..");
const PATIENCE_MS = 11_000;
/** Before a part is started again: a second, twice as long each time, up to half a minute; anew after ten quiet minutes. */
const LONGEST_PAUSE_SECONDS = 30;
const QUIET_MS = 600_000;
const EMAILS = {
	administrator: "admin@example.com",
	operator: "operator@example.com",
	finance: "finance@example.com",
};

const startedAt = performance.now();
const parts: Part[] = [];
let cluster: Promise<Cluster> | null = null;
let giveFree = () => {};
let stopRequested = false;
let isUp = false;
const failure = Promise.withResolvers<never>();
// Whoever races with it sees it; before that it must not count as unhandled.
failure.promise.catch(() => {});

/** Progress: what still finishes while everything is being stopped is not told. */
function progress(line: string): void {
	if (!stopRequested) say(line);
}

function say(line: string): void {
	const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
	console.log(`${seconds.padStart(6)} s  ${line}`);
}

class Stopped extends Error {}

const signalled = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]).then(() => {
	stopRequested = true;
	// A second one says: at once.
	for (const signal of ["SIGINT", "SIGTERM"] as const) {
		process.on(signal, () => {
			for (const part of parts) if (part.pid !== undefined) killHard(part.pid);
		});
	}
	throw new Stopped();
});
signalled.catch(() => {});
process.on("uncaughtException", (error) => failure.reject(error));
process.on("unhandledRejection", (error) => failure.reject(error));

try {
	await Promise.race([run(), signalled, failure.promise]);
} catch (error) {
	await shutDown(error);
}

async function run(): Promise<void> {
	const settings = await readSettings(process.env);
	openDataDirectory(settings.dataDirectory);
	giveFree = lockDataDirectory(settings.dataDirectory);
	process.env.NODE_COMPILE_CACHE ??= join(settings.dataDirectory, "compile-cache");
	const secrets = readOrMakeSecrets(settings.dataDirectory);
	progress(`Starting LightSpeedPay; data and logs are in ${shown(settings.dataDirectory)}.`);

	const sandbox = settings.demo ? start("sandbox", settings, sandboxEnvironment(settings)) : null;
	const { adminUrl, database } = await openDatabase(settings, secrets);
	const url = (role: DatabaseRole) => roleUrl(adminUrl, database, role, secrets.database_passwords[role]);
	const prepared = await prepareDatabase({
		adminUrl,
		database,
		passwords: secrets.database_passwords,
		report: progress,
	});
	if (prepared.migrations.length === 0 && !prepared.functions) progress("The database is up to date.");
	const backups = settings.databaseUrl === null ? await openBackups(settings, secrets, adminUrl, database) : {};

	const shared = {
		ENCRYPTION_KEYS: secrets.encryption_keys,
		PUBLIC_CHECKOUT_URL: settings.checkoutUrl,
	};
	const outside: Record<string, string> = settings.demo
		? { SANDBOX_URL: settings.sandboxUrl, ...demoWhatsapp(secrets.studio_secret) }
		: Object.fromEntries(
				Object.entries(process.env).flatMap(([name, value]) =>
					name.startsWith("WHATSAPP_") && value ? [[name, value]] : [],
				),
			);
	const [, , merchants] = await Promise.all([
		startStudio(settings, secrets, url("studio"), shared),
		startCheckoutAndJobs(settings, secrets, url, { ...shared, ...outside, ...backups }),
		sandbox === null ? [] : seed(settings, secrets, url("owner"), sandbox),
	]);
	await waitUntilGreen(settings.checkoutUrl, settings);
	isUp = true;
	const databaseUrl = new URL(adminUrl);
	databaseUrl.pathname = `/${encodeURIComponent(database)}`;
	writeDemoFile(settings, secrets, databaseUrl.href, url("finance"), merchants);
	printSummary(settings, secrets, merchants);
	await new Promise(() => {
		// Until a signal or a part's end.
	});
}

function shown(path: string): string {
	const short = relative(process.cwd(), path);
	return short !== "" && !short.startsWith("..") ? short : path;
}

interface Crashes {
	/** Since it last kept up for long. */
	count: number;
	last_at: number;
}

function start(
	name: string,
	settings: Settings,
	env: Record<string, string>,
	crashes: Crashes = { count: 0, last_at: 0 },
): Part {
	if (stopRequested) throw new Stopped();
	const part = new Part({
		name,
		entry: join(ROOT, { jobs: "jobs/worker.ts", studio: "directus/server.ts" }[name] ?? `${name}/server.ts`),
		env,
		logFile: join(settings.dataDirectory, "logs", `${name}.log`),
	});
	parts.push(part);
	part.ended.then(async (end) => {
		if (part.stopping || stopRequested) return;
		if (!isUp) return failure.reject(part.crash(end));
		const count = performance.now() - crashes.last_at > QUIET_MS ? 1 : crashes.count + 1;
		const seconds = pauseOf(count);
		console.error(`${part.crash(end).message}\n  It is started again in ${seconds} s.`);
		await sleep(seconds * 1000);
		if (stopRequested) return;
		const next = start(name, settings, env, { count, last_at: performance.now() });
		// One that ends before it is ready is told of by its end.
		next.ready.then(
			() => progress(`The part "${name}" is up again.`),
			() => {},
		);
	});
	return part;
}

function pauseOf(count: number): number {
	return Math.min(2 ** (count - 1), LONGEST_PAUSE_SECONDS);
}

async function openDatabase(settings: Settings, secrets: Secrets): Promise<{ adminUrl: string; database: string }> {
	if (settings.databaseUrl !== null) {
		progress(`Using PostgreSQL at ${new URL(settings.databaseUrl).host} (DATABASE_URL).`);
		return splitDatabaseUrl(settings.databaseUrl);
	}
	const launch = (port: number) =>
		startCluster({
			directory: join(settings.dataDirectory, "postgres"),
			port,
			password: secrets.database_superuser_password,
			logFile: join(settings.dataDirectory, "logs", "postgres.log"),
			archiveDirectory: join(settings.backupDirectory, "wal"),
			report: progress,
		});
	cluster = launch(settings.postgresPort);
	const server = await cluster;
	watchDatabase(server, launch);
	progress(`PostgreSQL listens on ${server.host}:${server.port}.`);
	return splitDatabaseUrl(server.adminUrl);
}

/** As with the parts; the others find it again by themselves. */
function watchDatabase(server: Cluster, launch: (port: number) => Promise<Cluster>): void {
	server.exited.then(async ({ expected, code, signal }) => {
		if (expected || stopRequested) return;
		const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
		const crash = new PartCrash(`The database server ended ${how}; see ${server.logFile}.`);
		if (!isUp) return failure.reject(crash);
		console.error(`${crash.message} It is started again.`);
		for (let count = 1; !stopRequested; count++) {
			try {
				cluster = launch(server.port);
				const next = await cluster;
				if (next.port !== server.port) {
					await next.stop();
					throw new ClusterError(`Port ${server.port} is taken.`);
				}
				watchDatabase(next, launch);
				return progress("PostgreSQL is up again.");
			} catch (error) {
				console.error(`${(error as Error).message} It is tried again in ${pauseOf(count)} s.`);
				await sleep(pauseOf(count) * 1000);
			}
		}
	});
}

/** What the worker that backs up needs. Of a PostgreSQL that is not ours its own administrator takes care. */
async function openBackups(
	settings: Settings,
	secrets: Secrets,
	adminUrl: string,
	database: string,
): Promise<Record<string, string>> {
	const url = new URL(adminUrl);
	url.pathname = `/${encodeURIComponent(database)}`;
	const password = backupPassword(secrets);
	await prepareBackupRole(url.href, password);
	return {
		BACKUP_DATABASE_URL: backupUrl(url.href, password),
		BACKUP_DIR: settings.backupDirectory,
		BACKUP_KEEP_DAYS: String(settings.backupKeepDays),
	};
}

function sandboxEnvironment(settings: Settings): Record<string, string> {
	return {
		HOST: "127.0.0.1",
		PORT: String(settings.sandboxPort),
		SANDBOX_STATE_FILE: join(settings.dataDirectory, "sandbox.json"),
		PUBLIC_CHECKOUT_URL: settings.checkoutUrl,
	};
}

async function startStudio(
	settings: Settings,
	secrets: Secrets,
	databaseUrl: string,
	shared: Record<string, string>,
): Promise<void> {
	// Built after npm ci; this is for sources that changed since.
	const building = promisify(execFile)(process.execPath, [join(ROOT, "directus", "build-extensions.mjs")]);
	await prepareStudio({
		databaseUrl,
		admin: { email: EMAILS.administrator, password: secrets.passwords.administrator },
		requireSecondFactor: settings.requireSecondFactor,
		report: progress,
	});
	await building;
	const studio = start("studio", settings, {
		...shared,
		DATABASE_URL: databaseUrl,
		STUDIO_SECRET: secrets.studio_secret,
		PUBLIC_STUDIO_URL: settings.studioUrl,
		STUDIO_UPLOADS: join(settings.dataDirectory, "uploads"),
		STUDIO_TRUSTED_PROXIES: process.env.STUDIO_TRUSTED_PROXIES ?? "",
		...mailEnvironment(),
		HOST: settings.host,
		PORT: String(settings.studioPort),
	});
	if (settings.demo) {
		for (const role of ["operator", "finance"] as const) {
			await ensureUser({ databaseUrl, email: EMAILS[role], password: secrets.passwords[role], role });
		}
	}
	await studio.ready;
	progress("The studio is up.");
}

/** Directus' own variables for mail. */
function mailEnvironment(): Record<string, string> {
	return variablesNamed(/^EMAIL_/);
}

function variablesNamed(pattern: RegExp): Record<string, string> {
	const given = Object.entries(process.env).filter(([name, value]) => pattern.test(name) && value !== undefined);
	return Object.fromEntries(given) as Record<string, string>;
}

async function startCheckoutAndJobs(
	settings: Settings,
	secrets: Secrets,
	url: (role: DatabaseRole) => string,
	shared: Record<string, string>,
): Promise<void> {
	const jobs = start("jobs", settings, {
		...shared,
		DATABASE_URL: url("jobs"),
		NODE_OPTIONS,
		STATUS_TOKEN_KEY: secrets.status_token_key,
		OUTBOUND_ALLOWED_HOSTS: [
			...(settings.demo ? [new URL(settings.sandboxUrl).host] : []),
			...(process.env.OUTBOUND_ALLOWED_HOSTS ? [process.env.OUTBOUND_ALLOWED_HOSTS] : []),
		].join(","),
		EGRESS_GROUPS: process.env.EGRESS_GROUPS ?? "",
		STUDIO_URL: settings.innerStudioUrl,
		PUBLIC_STUDIO_URL: settings.studioUrl,
		...mailEnvironment(),
		...variablesNamed(/^(ALERT_|METRICS_|OTEL_|SENTRY_|RUNBOOK_URL$)/),
	});
	const checkout = start("checkout", settings, {
		...shared,
		DATABASE_URL: url("checkout"),
		NODE_OPTIONS,
		STATUS_TOKEN_KEY: secrets.status_token_key,
		PUBLIC_STUDIO_URL: settings.studioUrl,
		STUDIO_URL: innerUrl(settings, settings.studioPort),
		TRUSTED_PROXIES: process.env.TRUSTED_PROXIES ?? "",
		METRICS_TOKEN: process.env.METRICS_TOKEN ?? "",
		...variablesNamed(/^(OTEL_|SENTRY_)/),
		HOST: settings.host,
		PORT: String(settings.checkoutPort),
	});
	await Promise.all([jobs.ready, checkout.ready]);
	progress("Checkout and jobs are up.");
}

/** As a process of this machine reaches a part. */
function innerUrl({ host }: Settings, port: number): string {
	return `http://${host === "0.0.0.0" ? "127.0.0.1" : host}:${port}`;
}

async function seed(settings: Settings, secrets: Secrets, ownerUrl: string, sandbox: Part): Promise<DemoMerchant[]> {
	const owner = createConnection({ connectionString: ownerUrl, application_name: "lightspeedpay-seed" });
	await owner.connect();
	try {
		const options = {
			owner,
			keys: parseEncryptionKeys(secrets.encryption_keys),
			providers: Object.keys(providers),
			checkoutUrl: settings.checkoutUrl,
			sandboxUrl: settings.sandboxUrl,
		};
		const merchants = await seedMerchants(options);
		await sandbox.ready;
		await registerWithSandbox(options, merchants);
		await registerWhatsapp(options, secrets.studio_secret);
		progress("The sandbox and the demo merchants are ready.");
		return merchants;
	} finally {
		await owner.end();
	}
}

async function waitUntilGreen(checkoutUrl: string, settings: Settings): Promise<void> {
	const url = new URL("/readyz", innerUrl(settings, settings.checkoutPort));
	let last = "no answer";
	for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(100)) {
		try {
			const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
			const text = await response.text();
			last = `${response.status} ${text}`;
			if (response.ok && JSON.parse(text).status === "ok") return;
		} catch (error) {
			last = (error as Error).message;
		}
	}
	throw new StartError(`${checkoutUrl}/readyz is not green after a minute; it last said: ${last}`);
}

function writeDemoFile(
	settings: Settings,
	secrets: Secrets,
	databaseUrl: string,
	reportsUrl: string,
	merchants: DemoMerchant[],
): void {
	const login = (role: keyof typeof EMAILS) => ({ email: EMAILS[role], password: secrets.passwords[role] });
	writeFileSync(
		join(settings.dataDirectory, "demo.json"),
		`${JSON.stringify(
			{
				checkout_url: settings.checkoutUrl,
				studio_url: settings.studioUrl,
				sandbox_url: settings.demo ? settings.sandboxUrl : null,
				database_url: databaseUrl,
				reports_database_url: reportsUrl,
				admin: login("administrator"),
				operator: login("operator"),
				finance: login("finance"),
				merchants,
			},
			null,
			"\t",
		)}\n`,
		{ mode: 0o600 },
	);
}

function printSummary(settings: Settings, secrets: Secrets, merchants: DemoMerchant[]): void {
	const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
	const roles = settings.demo ? (["administrator", "operator", "finance"] as const) : (["administrator"] as const);
	const lines = [
		"",
		`LightSpeedPay is ready after ${seconds} s.`,
		"",
		`  Checkout    ${settings.checkoutUrl}   (API guide: ${settings.checkoutUrl}/docs)`,
		`  Studio      ${settings.studioUrl}`,
		...(settings.demo ? [`  Sandbox     ${settings.sandboxUrl}`] : []),
		"",
		...roles.map((role) => `  ${role.padEnd(14)} ${EMAILS[role].padEnd(32)} ${secrets.passwords[role]}`),
		"",
	];
	const merchant = merchants[0];
	if (merchant !== undefined) {
		lines.push(
			`A first payment of Rs 499.00 to ${merchant.name}: paste this, then open the checkout_url that it answers.`,
			"",
			signedCurl(settings.checkoutUrl, settings.sandboxUrl, merchant),
			"",
		);
	}
	lines.push(
		`Ctrl-C stops everything. URLs, logins and keys are also in ${shown(join(settings.dataDirectory, "demo.json"))}.`,
		"",
	);
	console.log(lines.join("\n"));
}

/** Signs when it is pasted, as a signature is good for five minutes only; needs nothing but sh, openssl and curl. */
function signedCurl(checkoutUrl: string, sandboxUrl: string, merchant: DemoMerchant): string {
	return [
		`(T=$(date +%s); B='{"amount":49900,"order_id":"demo-'$T'","redirect_url":"${sandboxUrl}/merchant/return"}'`,
		`S=$(printf '%s.POST./payment/initiate.%s' "$T" "$B" | openssl dgst -sha256 -hmac '${merchant.client_salt}' -r | cut -d' ' -f1)`,
		`curl -s '${checkoutUrl}/payment/initiate' -H 'Content-Type: application/json' \\`,
		`  -H 'X-Client-Key: ${merchant.client_key}' -H "X-Timestamp: $T" -H "X-Signature: $S" -d "$B"; echo)`,
	].join("\n");
}

/** Payers first, then what works for them, then the database. Never throws. */
async function shutDown(reason: unknown): Promise<never> {
	stopRequested = true;
	const asked = reason instanceof Stopped;
	if (asked) {
		console.log("");
		say("Stopping.");
	} else {
		const known = [StartError, ClusterError, PrepareError, PartCrash].some((type) => reason instanceof type);
		console.error(known ? (reason as Error).message : ((reason as Error)?.stack ?? String(reason)));
		if (parts.length > 0 || cluster !== null) say("Stopping the rest.");
	}
	const stop = (names: string[]) =>
		Promise.all(parts.filter(({ name }) => names.includes(name)).map((part) => part.stop(PATIENCE_MS)));
	await stop(["checkout", "studio"]);
	await stop(["jobs"]);
	await stop(["sandbox"]);
	let clean = true;
	try {
		// A server that is just starting is waited for, else it would outlive us.
		await (await cluster)?.stop();
	} catch (error) {
		clean = error === reason || asked;
		if (error !== reason && !asked) console.error((error as Error).message);
	}
	giveFree();
	if (asked) say("Stopped; the data is kept.");
	process.exit(asked && clean ? 0 : 1);
}

function killHard(pid: number): void {
	try {
		process.kill(-pid, "SIGKILL");
	} catch {
		// It has ended meanwhile.
	}
}
