/**
 * A day of chaos in minutes: `npm run chaos -- --seed 7 --payments 5000`. See docs/chaos.md.
 *
 * Starts a database of its own and the real processes, plays the payments, and says whether money was lost, made up or
 * counted twice. Ends with 1 when anything does not hold, and keeps the database and the logs then.
 */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Cluster, startCluster } from "../../db/cluster.ts";
import { type DatabaseRole, prepareDatabase, roleUrl } from "../../db/prepare.ts";
import { ROLE_PASSWORDS } from "../test-cluster.ts";
import { makeCanary } from "./canaries.ts";
import { openDisk } from "./disk.ts";
import { describeStorm } from "./report.ts";
import { runStorm } from "./storm.ts";
import type { Disk } from "./world.ts";

const NAME = "chaos";

const { values } = parseArgs({
	options: {
		seed: { type: "string", default: String(Date.now() % 1_000_000) },
		payments: { type: "string", default: "500" },
		only: { type: "string" },
		disasters: { type: "string" },
	},
});
const seed = Number(values.seed);
const payments = Number(values.payments);
const only = values.only?.split(",").map(Number);
if (![seed, payments, ...(only ?? [])].every(Number.isSafeInteger) || payments < 1) {
	console.error("Give whole numbers: npm run chaos -- --seed 7 --payments 5000 [--only 12,99] [--disasters deadlock]");
	process.exit(2);
}

const home = mkdtempSync(join(tmpdir(), "lightspeedpay-chaos-"));
// Another user than root runs the server and must get through.
chmodSync(home, 0o711);
console.log(`Seed ${seed}. Logs in ${home}.`);
const room = openDisk(join(home, "disk"));
if (room === null) console.log("No disk can be mounted here (that needs root on Linux): none will be full.");
const start = (port: number) =>
	startCluster({
		directory: join(room === null ? home : room.directory, "postgres"),
		// There is to be room for what the server says of its full disk.
		logFile: join(home, "postgres.log"),
		port,
		password: "test-superuser",
		report: console.log,
	});
let cluster = await start(0);
/** What `pg_ctl stop -m immediate` does: no checkpoint, so the next start replays the log. */
async function crash(): Promise<void> {
	process.kill(cluster.pid, "SIGQUIT");
	await cluster.exited;
	cluster = await start(cluster.port);
}
const disk: Disk | null = room && {
	fill: async () => room.fill(),
	async free() {
		room.free();
		if (await hasEnded(cluster)) cluster = await start(cluster.port);
	},
};
let is_sound = false;
const passwords = Object.fromEntries(
	Object.entries(ROLE_PASSWORDS).map(([role]) => [role, makeCanary(role)]),
) as Record<DatabaseRole, string>;
try {
	await prepareDatabase({ adminUrl: cluster.adminUrl, database: NAME, passwords });
	const adminUrl = new URL(cluster.adminUrl);
	adminUrl.pathname = `/${NAME}`;
	const result = await runStorm(
		{
			adminUrl: adminUrl.href,
			crash,
			disk,
			files: [cluster.directory, cluster.logFile],
			passwords: Object.values(passwords),
			url: (role) => roleUrl(cluster.adminUrl, NAME, role, passwords[role]),
		},
		{
			seed,
			payments,
			...(only && { only }),
			...(values.disasters !== undefined && { disasters: values.disasters }),
			directory: join(home, "processes"),
			report: console.log,
		},
	);
	console.log(`\n${describeStorm(seed, payments, result)}`);
	is_sound = result.audit.violations.length === 0;
} finally {
	await cluster.stop();
	if (is_sound) {
		room?.remove();
		rmSync(home, { recursive: true, force: true });
		if (room === null && dirname(cluster.directory) !== home)
			rmSync(cluster.directory, { recursive: true, force: true });
	} else {
		const kept = room === null ? cluster.directory : room.keep(join(home, "postgres"));
		console.log(`\nTo look into the database: node scripts/open-cluster.ts ${kept} (database ${NAME}, schema chaos)`);
	}
}
process.exit(is_sound ? 0 : 1);

/** A server whose processes have crashed starts them again, once; it is given the time to fail. */
async function hasEnded({ exited }: Cluster): Promise<boolean> {
	return Promise.race([exited.then(() => true), sleep(1_000, false)]);
}
