/** How long each report takes over the history of a large platform, as the role finance asks for it. Called by bench/volume.ts. */

import { createConnection } from "../db/client/connection.ts";
import { readReports, runReport } from "../scripts/reports.ts";

/** What a report may take. */
const LIMIT_MS = 1000;
const WIDTH = 64;

export interface ReportTimesOptions {
	financeUrl: string;
	/** The merchant with the longest history. */
	client: string;
	rounds: number;
	/** Print each statement's plan as well. */
	plans?: boolean;
}

/** Of the last thirty days to today, of one merchant of them, and of all there is. Returns whether each report kept to the limit. */
export async function timeReports({ financeUrl, client, rounds, plans }: ReportTimesOptions): Promise<boolean> {
	const finance = createConnection({ connectionString: financeUrl });
	await finance.connect();
	let is_met = true;
	try {
		const { rows } = await finance.query<{ today: string; month_ago: string; quarter_ago: string; yesterday: string }>(
			`select today::text, (today - 30)::text as month_ago, (today - 90)::text as quarter_ago, (today - 1)::text as yesterday
				from (select (now() at time zone 'Asia/Kolkata')::date as today) d`,
		);
		const { today, yesterday, month_ago, quarter_ago } = rows[0]!;
		const questions = [
			["a month with today", { from: month_ago, to: today }],
			["a month that is closed", { from: month_ago, to: yesterday }],
			["one merchant's month", { from: month_ago, to: today, client }],
			["a quarter", { from: quarter_ago, to: today }],
		] as const;
		console.log(`\n${"reports".padEnd(WIDTH)}   median      slowest     rows`);
		for (const report of readReports()) {
			for (const [words, question] of questions) {
				if (report.parameters.includes("client (required)") && !("client" in question)) continue;
				const taken: number[] = [];
				let count = 0;
				for (let round = 0; round < rounds; round++) {
					const begin = performance.now();
					count = (await runReport(finance, report, question)).rows.length;
					taken.push(performance.now() - begin);
				}
				taken.sort((a, b) => a - b);
				const median = taken[Math.floor(rounds / 2)]!;
				is_met &&= median <= LIMIT_MS;
				console.log(
					`${`${report.name}: ${words}`.padEnd(WIDTH)}${median.toFixed(1).padStart(8)} ms ${taken.at(-1)!.toFixed(1).padStart(9)} ms ${String(count).padStart(8)}${median <= LIMIT_MS ? "" : "  SLOW"}`,
				);
				if (plans === true) {
					const values = { client: "", ...question };
					const { rows: plan } = await finance.query<Record<string, string>>(
						`explain (analyze, buffers, costs off, timing off, summary on) ${report.statement}`,
						report.binds.map((name) => values[name]),
					);
					console.log(plan.map((line) => `    ${line["QUERY PLAN"]}`).join("\n"));
				}
			}
		}
	} finally {
		await finance.end();
	}
	console.log(`every report within ${LIMIT_MS} ms: ${is_met ? "yes" : "NO"}`);
	return is_met;
}
