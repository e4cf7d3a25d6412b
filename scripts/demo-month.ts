/**
 * `npm run demo:month`: plays the month before this one for three merchants (scripts/month.ts) in a database of its own, kills the worker
 * that draws the invoices in the middle of it, and prints what finance would look at: the trial balance, the invoices with their PDFs
 * (and pictures of them where pdftoppm is installed), and what the comparison with the providers' settlement reports has found.
 *
 *   npm run demo:month -- [--payments 4] [--directory D]
 *
 * --payments: a day and merchant. --directory: where the PDFs go and the database is kept; default: a new one below the system's
 * temporary files, of which the PDFs stay.
 */
import { execFile, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs, promisify } from "node:util";
import { checkInvariants } from "../db/client/operations.ts";
import { createPool } from "../db/client/pool.ts";
import { parseEncryptionKeys } from "../db/client/secrets.ts";
import { startCluster } from "../db/cluster.ts";
import { DATABASE_ROLES, type DatabaseRole, prepareDatabase, roleUrl } from "../db/prepare.ts";
import { formatPaise } from "../jobs/invoices/rupees.ts";
import { playMonth } from "./month.ts";
import { formatReport } from "./report-formats.ts";
import { readReports, runReport } from "./reports.ts";

const { values } = parseArgs({
	options: { payments: { type: "string", default: "4" }, directory: { type: "string" } },
});
const home = values.directory ?? (await mkdtemp(join(tmpdir(), "lightspeedpay-month-")));
await mkdir(home, { recursive: true });
// As root the server runs as another user, which must get through.
await chmod(home, 0o711);
const password = randomBytes(12).toString("hex");
const cluster = await startCluster({
	directory: join(home, "postgres"),
	password,
	durable: false,
	report: console.log,
});
const pools: ReturnType<typeof createPool>[] = [];
const workers: ReturnType<typeof fork>[] = [];
try {
	const database = "month";
	const passwords = Object.fromEntries(DATABASE_ROLES.map((role) => [role, password])) as Record<DatabaseRole, string>;
	await prepareDatabase({ adminUrl: cluster.adminUrl, database, passwords, report: console.log });
	const adminUrl = new URL(cluster.adminUrl);
	adminUrl.pathname = `/${database}`;
	const open = (url: string) => {
		const pool = createPool({ connectionString: url, application_name: "lightspeedpay-month" });
		pools.push(pool);
		return pool;
	};
	const as = (role: DatabaseRole) => open(roleUrl(cluster.adminUrl, database, role, password));
	const admin = open(adminUrl.href);
	const [checkout, jobs, studio, finance] = [as("checkout"), as("jobs"), as("studio"), as("finance")];
	const encryption_keys = `demo:${randomBytes(32).toString("base64")}`;
	const { rows } = await admin.query<{ month: string }>(
		"select (public.month_in_india(now()) - interval '1 month')::date::text as month",
	);
	title(`The month of ${rows[0]!.month.slice(0, 7)}`);
	const played = await playMonth({
		admin,
		checkout,
		jobs,
		studio,
		keys: parseEncryptionKeys(encryption_keys),
		month: rows[0]!.month,
		payments_a_day: Number(values.payments),
		report: console.log,
	});

	title("A worker is killed while it draws the invoices");
	// What payments and payouts left to do was done above, in their providers' stead.
	await admin.query(
		"select graphile_worker.complete_jobs(array_agg(id)) from graphile_worker.jobs where task_identifier <> 'draw_invoice'",
	);
	const state = async () => {
		const { rows: counts } = await admin.query<{ drawn: number; locked: number; waiting: number }>(
			`select (select count(*)::integer from public.invoice_documents) as drawn,
				count(*) filter (where locked_at is not null)::integer as locked,
				count(*) filter (where locked_at is null)::integer as waiting
			from graphile_worker.jobs where task_identifier = 'draw_invoice'`,
		);
		return counts[0]!;
	};
	const until = async (fits: (now: Awaited<ReturnType<typeof state>>) => boolean) => {
		for (;;) {
			const now = await state();
			if (fits(now)) return now;
			await sleep(5);
		}
	};
	const say = (now: Awaited<ReturnType<typeof state>>) =>
		`${now.drawn} drawn, ${now.locked} in a worker's hands, ${now.waiting} waiting`;
	const startWorker = () => {
		const worker = fork(join(import.meta.dirname, "../jobs/worker.ts"), [], {
			env: {
				PATH: process.env.PATH,
				DATABASE_URL: roleUrl(cluster.adminUrl, database, "jobs", password),
				ENCRYPTION_KEYS: encryption_keys,
				STATUS_TOKEN_KEY: randomBytes(32).toString("base64"),
				PUBLIC_CHECKOUT_URL: "http://127.0.0.1:3000",
				// Nothing listens there: no provider is called.
				SANDBOX_URL: "http://127.0.0.1:9",
				WORKER_BEAT_SECONDS: "0.5",
				LOG_LEVEL: "silent",
			},
			stdio: ["ignore", "ignore", "inherit", "ipc"],
		});
		workers.push(worker);
		return worker;
	};
	console.log(`before: ${say(await state())}`);
	const first = startWorker();
	await until(({ locked }) => locked > 0);
	first.kill("SIGKILL");
	await once(first, "exit");
	console.log(`kill -9: ${say(await state())}`);
	startWorker();
	console.log(`another worker: ${say(await until(({ locked, waiting }) => locked + waiting === 0))}`);

	const report = async (name: string, to = played.to) =>
		formatReport(
			await runReport(finance, readReports().find((each) => each.name === name)!, { from: played.from, to }),
			"table",
		);
	const { rows: days } = await admin.query<{ today: string }>(
		"select (now() at time zone 'Asia/Kolkata')::date::text as today",
	);
	const today = days[0]!.today;
	title("Trial balance");
	console.log(await report("trial-balance"));
	title("Dues at the end of the month");
	console.log(await report("dues-ageing"));
	title("Collection");
	console.log(await report("collection"));
	title("GST");
	console.log(await report("gst-summary", today));

	title("Documents");
	const { rows: documents } = await admin.query<{ document_no: string; recipient: string; total: number; pdf: Buffer }>(
		`select i.document_no, i.recipient ->> 'name' as recipient, i.total, d.pdf
			from public.invoices i join public.invoice_documents d on d.invoice_id = i.id order by i.kind desc, i.number`,
	);
	for (const { document_no, recipient, total, pdf } of documents) {
		const file = join(home, `${document_no.replaceAll("/", "-")}.pdf`);
		await writeFile(file, pdf);
		console.log(`${document_no}  ${recipient.padEnd(16)} ${formatPaise(total).padStart(12)}  ${await pictureOf(file)}`);
	}

	title("Reconciliation: what differs from the providers' reports");
	console.log(
		`planted: ${Object.entries(played.planted)
			.map(([kind, count]) => `${count} ${kind}`)
			.join(", ")}\n`,
	);
	console.log(await report("reconciliation", today));
	const { rows: differs } = await finance.query<{ line: string }>(
		`select concat_ws('  ', rpad(m.company_name, 14), rpad(e.kind, 16), 'expected ' || e.expected || ' paise', 'stated ' || e.stated || ' paise') as line
			from reports.reconciliation_exceptions e join reports.merchants m using (client_id) order by e.kind`,
	);
	console.log(differs.map(({ line }) => line).join("\n"));

	title("check_invariants()");
	const violations = await checkInvariants(jobs);
	console.log(violations.length === 0 ? "none is violated" : violations);
	process.exitCode = violations.length === 0 ? 0 : 1;
} finally {
	for (const worker of workers) {
		if (worker.exitCode !== null || worker.signalCode !== null) continue;
		worker.kill("SIGTERM");
		await once(worker, "exit");
	}
	await Promise.all(pools.map((pool) => pool.end()));
	await cluster.stop();
	if (values.directory === undefined) await rm(join(home, "postgres"), { recursive: true, force: true });
	console.log(`\nThe documents are in ${home}.`);
}

function title(text: string): void {
	console.log(`\n${text}\n${"─".repeat(text.length)}`);
}

/** The picture's file where it could be made, else the PDF's. */
async function pictureOf(pdf: string): Promise<string> {
	const picture = pdf.replace(/\.pdf$/, "");
	try {
		await promisify(execFile)("pdftoppm", ["-png", "-r", "80", "-singlefile", pdf, picture]);
		return `${picture}.png`;
	} catch {
		return pdf;
	}
}
