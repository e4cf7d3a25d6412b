/** The reports of reports/*.sql: what each says of itself, and how it is run with values bound rather than written into its text. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type pg from "pg";

const FOLDER = join(import.meta.dirname, "..", "reports");

export const PARAMETERS = ["from", "to", "client"] as const;
export type Parameter = (typeof PARAMETERS)[number];

export interface Report {
	name: string;
	purpose: string;
	parameters: string;
	columns: string;
	units: string;
	/** One statement with $1, $2 … for `binds`. */
	statement: string;
	binds: Parameter[];
}

export interface ReportAnswer {
	columns: string[];
	/** Days as 2026-04-01, amounts and counts as numbers. */
	rows: Record<string, string | number | null>[];
}

/** Something the person who asks can put right. */
export class ReportError extends Error {
	override name = "ReportError";
}

export function readReports(folder = FOLDER): Report[] {
	return readdirSync(folder)
		.filter((name) => name.endsWith(".sql"))
		.sort()
		.map((file) => parseReport(file.slice(0, -".sql".length), readFileSync(join(folder, file), "utf8")));
}

export function parseReport(name: string, text: string): Report {
	const header = new Map<string, string>();
	let key = "";
	for (const line of text.split("\n")) {
		if (!line.startsWith("--")) break;
		const named = /^-- (purpose|parameters|columns|units): (.*)$/.exec(line);
		if (named !== null) {
			key = named[1]!;
			header.set(key, named[2]!);
		} else {
			header.set(key, `${header.get(key) ?? ""} ${line.slice(2).trim()}`);
		}
	}
	const said = (what: string) => {
		const words = header.get(what);
		if (words === undefined) throw new Error(`reports/${name}.sql does not say its ${what}.`);
		return words;
	};
	const binds: Parameter[] = [];
	const statement = text
		.split("\n")
		// Commands of psql and the header.
		.filter((line) => !line.startsWith("\\") && !line.startsWith("--"))
		.join("\n")
		.replaceAll(/:'(\w+)'/g, (_, word: string) => {
			const parameter = PARAMETERS.find((each) => each === word);
			if (parameter === undefined) throw new Error(`reports/${name}.sql asks for ${word}, which no report is given.`);
			if (!binds.includes(parameter)) binds.push(parameter);
			return `$${binds.indexOf(parameter) + 1}`;
		});
	return {
		name,
		purpose: said("purpose"),
		parameters: said("parameters"),
		columns: said("columns"),
		units: said("units"),
		statement,
		binds,
	};
}

export interface ReportQuestion {
	/** Days of Asia/Kolkata, both counted: 2026-04-01. */
	from: string;
	to: string;
	/** A merchant's id. */
	client?: string;
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Dates come as text, so that no clock of this machine moves them; sums and rates as numbers. */
const NUMBERS = new Set([20, 21, 23, 1700]);

function isDay(text: string): boolean {
	const at = Date.parse(`${text}T00:00:00Z`);
	return DAY.test(text) && !Number.isNaN(at) && new Date(at).toISOString().startsWith(text);
}

export async function runReport(
	database: pg.ClientBase | pg.Pool,
	report: Report,
	question: ReportQuestion,
): Promise<ReportAnswer> {
	const { from, to, client = "" } = question;
	for (const [name, day] of [
		["--from", from],
		["--to", to],
	] as const) {
		if (!isDay(day)) {
			throw new ReportError(`${name} ${day} is not a day: write it like 2026-04-01.`);
		}
	}
	if (from > to)
		throw new ReportError(`The period ends before it begins: --from ${from} must not be after --to ${to}.`);
	if (client !== "" && !UUID.test(client)) {
		throw new ReportError(`--client ${client} is not a merchant's id: copy it from the merchant's page in the studio.`);
	}
	if (client === "" && report.parameters.includes("client (required)")) {
		throw new ReportError(`The report ${report.name} is of one merchant: add --client with the merchant's id.`);
	}
	const values = { from, to, client };
	const { fields, rows } = await database.query<(string | null)[]>({
		text: report.statement,
		values: report.binds.map((name) => values[name]),
		rowMode: "array",
		types: { getTypeParser: () => (text: string) => text },
	});
	return {
		columns: fields.map(({ name }) => name),
		rows: rows.map((row) =>
			Object.fromEntries(
				row.map((value, at) => {
					const { name, dataTypeID } = fields[at]!;
					return [name, value !== null && NUMBERS.has(dataTypeID) ? Number(value) : value];
				}),
			),
		),
	};
}
