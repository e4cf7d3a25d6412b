/**
 * `npm run report`: the reports of reports/*.sql for people with a terminal.
 *
 *   npm run report                                                        lists them
 *   npm run report -- gst-b2b --from 2026-04-01 --to 2026-04-30 [--client <id>] [--table|--csv|--json]
 *
 * Logs in as the role finance: REPORTS_DATABASE_URL, else what the last `npm start` left in DATA_DIR.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createConnection } from "../db/client/connection.ts";
import { formatReport, REPORT_FORMATS, type ReportFormat } from "./report-formats.ts";
import { type Report, ReportError, readReports, runReport } from "./reports.ts";

const USAGE =
	"npm run report -- <report> --from 2026-04-01 --to 2026-04-30 [--client <merchant's id>] [--table|--csv|--json]";

try {
	await main();
} catch (error) {
	if (!(error instanceof ReportError)) throw error;
	console.error(error.message);
	process.exitCode = 1;
}

async function main(): Promise<void> {
	const { name, from, to, client, format } = readArguments();
	const reports = readReports();
	if (name === undefined) {
		console.log(list(reports));
		return;
	}
	const report = reports.find((each) => each.name === name);
	if (report === undefined) {
		throw new ReportError(`There is no report ${name}. There are: ${reports.map((each) => each.name).join(", ")}.`);
	}
	if (to === undefined || (from === undefined && report.binds.includes("from"))) {
		throw new ReportError(`Say of which days: ${USAGE.replace("<report>", name)}`);
	}
	const database = createConnection({ connectionString: findDatabase(), application_name: "lightspeedpay-report" });
	try {
		await database.connect();
	} catch (cause) {
		throw new ReportError(
			`The database does not let the report in (${(cause as Error).message || (cause as NodeJS.ErrnoException).code}): is the system running, and is REPORTS_DATABASE_URL the login of the role finance?`,
		);
	}
	try {
		const answer = await runReport(database, report, {
			from: from ?? to,
			to,
			...(client === undefined ? {} : { client }),
		});
		process.stdout.write(formatReport(answer, format));
	} catch (error) {
		if ((error as { code?: string }).code !== "57014") throw error;
		throw new ReportError("The report took longer than the database lets finance ask: ask for fewer days.");
	} finally {
		await database.end();
	}
}

function readArguments() {
	try {
		const { values, positionals } = parseArgs({
			allowPositionals: true,
			options: {
				from: { type: "string" },
				to: { type: "string" },
				client: { type: "string" },
				table: { type: "boolean" },
				csv: { type: "boolean" },
				json: { type: "boolean" },
			},
		});
		const formats = REPORT_FORMATS.filter((format) => values[format] === true);
		if (formats.length > 1 || positionals.length > 1) throw new ReportError(`One report in one form: ${USAGE}`);
		const format: ReportFormat = formats[0] ?? "table";
		return { ...values, name: positionals[0], format };
	} catch (error) {
		if (error instanceof ReportError) throw error;
		throw new ReportError(`${(error as Error).message.split(". To specify")[0]}. Ask like this: ${USAGE}`);
	}
}

function list(reports: Report[]): string {
	const width = Math.max(...reports.map(({ name }) => name.length)) + 2;
	return [
		"Reports:",
		...reports.map(({ name, purpose }) => `  ${name.padEnd(width)}${purpose}`),
		"",
		USAGE,
		"Each file in reports/ says what its columns and units are.",
	].join("\n");
}

function findDatabase(): string {
	if (process.env.REPORTS_DATABASE_URL) return process.env.REPORTS_DATABASE_URL;
	const file = join(process.env.DATA_DIR ?? join(import.meta.dirname, "..", ".data"), "demo.json");
	try {
		return (JSON.parse(readFileSync(file, "utf8")) as { reports_database_url: string }).reports_database_url;
	} catch {
		throw new ReportError(
			"Set REPORTS_DATABASE_URL to the database with the login of the role finance (postgres://finance:password@host:5432/lightspeedpay), or run `npm start` here first.",
		);
	}
}
