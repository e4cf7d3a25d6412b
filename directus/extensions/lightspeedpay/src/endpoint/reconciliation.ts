/** What PSPs say they have settled: reports, settlements, and the differences that finance works off. */
import { createHash } from "node:crypto";
import { ContentTooLargeError, UnsupportedMediaTypeError } from "@directus/errors";
import {
	type FileLine,
	importsFiles,
	MAX_SETTLEMENT_FILE_BYTES,
	readSettlementFile,
	SettlementFileError,
} from "../../../../../psp/settlement-file.ts";
import { PULLED_PROVIDERS } from "../../../../../psp/settlement-sources.ts";
import { POLICIES } from "../../../../config/policies.ts";
import { areaOf } from "../areas.ts";
import {
	callDatabase,
	holdsPolicy,
	isUuid,
	type Request,
	type Router,
	type Row,
	readBody,
	readId,
	readText,
	refuse,
	rowsOf,
	type Studio,
} from "./context.ts";
import { rupeesCell, toCsv } from "./csv.ts";
import { namesOf } from "./names.ts";
import { addLive, addRoute } from "./routes.ts";

const READS = areaOf("reconciliation").policies;
const ACTS = [POLICIES.finance];

const PAGE = 50;
const CSV_PAGE = 5_000;
const LINES_A_CALL = 1_000;
const UNREADABLE_SHOWN = 20;
const KINDS = ["missing_with_us", "missing_there", "amount", "fee", "state", "duplicate"];
const RESOLUTIONS = ["psp_corrects", "corrected", "accepted", "not_ours"];
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** Knex, in the studio's process. */
interface Transactions {
	transaction<T>(work: (database: Studio["database"]) => Promise<T>): Promise<T>;
}

class Preview extends Error {
	readonly result: Row;

	constructor(result: Row) {
		super("only looked at");
		this.result = result;
	}
}

export function addReconciliationRoutes(router: Router, studio: Studio): void {
	function exceptionsOf(req: Request, limit: number): Promise<Row[]> {
		const { status = "open", kind = "", owner = "", days = "" } = req.query;
		if (status !== "open" && status !== "resolved") refuse(`"status" must be open or resolved`);
		if (kind !== "" && !KINDS.includes(kind as string)) refuse(`"kind" must be one of ${KINDS.join(", ")}`);
		if (owner !== "" && owner !== "nobody" && !isUuid(owner)) refuse(`"owner" must be a person's id, or nobody`);
		if (!/^\d{0,3}$/.test(String(days))) refuse(`"days" must be a number`);
		return rowsOf(studio, "select public.list_exceptions(?, ?, ?::uuid, ?::uuid, ?, ?::integer, ?::uuid, ?) as row", [
			status,
			kind || null,
			readUuid(req, "gateway"),
			readUuid(req, "client"),
			owner || null,
			days === "" ? null : days,
			readUuid(req, "after"),
			limit,
		]);
	}

	const pageOf = async (rows: Row[]) => {
		const exceptions = rows.slice(0, PAGE);
		return { exceptions, has_more: rows.length > PAGE, people: await peopleOf(studio, exceptions) };
	};

	addLive(router, studio, {
		path: "/reconciliation",
		who: READS,
		everyMs: 2_000,
		read: async (req) => {
			const [rows, [counts]] = await Promise.all([
				exceptionsOf(req, PAGE + 1),
				rowsOf(studio, "select public.count_exceptions() as row", []),
			]);
			return { ...(await pageOf(rows)), counts };
		},
	});

	addRoute(router, studio, {
		method: "get",
		path: "/reconciliation-page",
		who: READS,
		answer: async (req) => pageOf(await exceptionsOf(req, PAGE + 1)),
	});

	addRoute(router, studio, {
		method: "get",
		path: "/reconciliation-csv",
		who: READS,
		answer: async (req) => {
			const rows = await exceptionsOf(req, CSV_PAGE);
			const header = [
				"opened_at",
				"kind",
				"status",
				"merchant",
				"gateway",
				"provider",
				"order_id",
				"psp_id",
				"settlement",
			];
			const csv = toCsv(
				[
					...header,
					"expected_inr",
					"stated_inr",
					"owner",
					"note",
					"resolution",
					"reason",
					"resolved_by",
					"resolved_at",
					"id",
				],
				rows.map((row) => [
					row.opened_at,
					row.kind,
					row.status,
					row.company_name,
					row.gateway_name,
					row.provider,
					row.order_id,
					row.psp_id,
					row.psp_settlement_id,
					row.expected === null ? "" : rupeesCell(row.expected),
					row.stated === null ? "" : rupeesCell(row.stated),
					row.owner,
					row.note,
					row.resolution,
					row.resolution_reason,
					row.resolved_by,
					row.resolved_at,
					row.id,
				]),
			);
			return { csv, next: rows.length === CSV_PAGE ? rows.at(-1)!.id : null };
		},
	});

	addRoute(router, studio, {
		method: "get",
		path: "/reconciliation-rights",
		who: READS,
		answer: async (_req, actor) => {
			const may_act = await holdsPolicy(studio, actor, ACTS);
			return { user: actor, may_act, people: may_act ? await listPeople() : [] };
		},
	});

	/** Who may be given an exception. */
	async function listPeople(): Promise<Row[]> {
		const { rows } = await studio.database.raw(
			`select distinct u.id::text as id, coalesce(nullif(trim(concat(u.first_name, ' ', u.last_name)), ''), u.email) as name
				from directus.directus_users u
				join directus.directus_access a on a."user" = u.id or a.role = u.role
				join directus.directus_policies p on p.id = a.policy
				where u.status = 'active' and u.email is not null and (p.admin_access or p.id::text = any (?::text[]))
				order by 2 limit 200`,
			[ACTS],
		);
		return rows;
	}

	addLive(router, studio, {
		path: "/reconciliation/:id",
		who: READS,
		everyMs: 2_000,
		read: async (req) => {
			const [exception] = await rowsOf(studio, "select public.read_exception(?::uuid) as row", [
				readId(req, "reconciliation"),
			]);
			return { ...exception!, people: await peopleOf(studio, [exception!]) };
		},
	});

	addRoute(router, studio, {
		method: "post",
		path: "/reconciliation/:id/change",
		who: ACTS,
		answer: async (req, actor) => {
			const body = readBody(req);
			const owner = body.owner ?? null;
			if (owner !== null && !(await listPeople()).some(({ id }) => id === owner)) {
				refuse(`"owner" must be the id of somebody who may work on differences, or null`);
			}
			const [row] = await rowsOf(studio, "select public.change_exception(?::uuid, ?, ?, ?) as row", [
				readId(req, "reconciliation"),
				owner,
				readText(body, "note", 1_000),
				actor,
			]);
			return row;
		},
	});

	addRoute(router, studio, {
		method: "post",
		path: "/reconciliation/:id/resolve",
		who: ACTS,
		answer: async (req, actor) => {
			const body = readBody(req);
			if (!RESOLUTIONS.includes(body.resolution as string)) {
				refuse(`"resolution" must be one of ${RESOLUTIONS.join(", ")}`);
			}
			const reason = readText(body, "reason", 1_000);
			if (reason === null) refuse("Say why: the next person will want to know");
			const [row] = await rowsOf(studio, "select public.resolve_exception(?::uuid, ?, ?, ?) as row", [
				readId(req, "reconciliation"),
				body.resolution,
				reason,
				actor,
			]);
			return row;
		},
	});

	async function settlements(req: Request): Promise<{ settlements: Row[]; has_more: boolean }> {
		const { search = "" } = req.query;
		if (typeof search !== "string" || search.length > 100) refuse(`"search" must be an id or a UTR`);
		const rows = await rowsOf(
			studio,
			"select public.list_settlements(?::uuid, ?::uuid, ?::date, ?::date, ?, ?::date, ?::uuid, ?) as row",
			[
				readUuid(req, "gateway"),
				readUuid(req, "client"),
				readDay(req, "from"),
				readDay(req, "to"),
				search.trim() || null,
				readDay(req, "before_day"),
				readUuid(req, "before_id"),
				PAGE + 1,
			],
		);
		return { settlements: rows.slice(0, PAGE), has_more: rows.length > PAGE };
	}

	addLive(router, studio, { path: "/settlements", who: READS, everyMs: 5_000, read: settlements });
	addRoute(router, studio, { method: "get", path: "/settlements-page", who: READS, answer: settlements });

	addRoute(router, studio, {
		method: "get",
		path: "/settlements/:id",
		who: READS,
		answer: async (req) => {
			const [row] = await rowsOf(studio, "select public.read_settlement(?::uuid) as row", [readId(req, "settlements")]);
			if (row === undefined) refuse("There is no such settlement");
			return row;
		},
	});

	const linesOf = (req: Request, limit: number): Promise<Row[]> => {
		const { show = "all" } = req.query;
		if (!["all", "open", "differing"].includes(show as string)) refuse(`"show" must be all, open or differing`);
		return rowsOf(studio, "select public.list_settlement_lines(?::uuid, ?, ?::uuid, ?) as row", [
			readId(req, "settlements"),
			show,
			readUuid(req, "after"),
			limit,
		]);
	};

	addRoute(router, studio, {
		method: "get",
		path: "/settlements/:id/lines",
		who: READS,
		answer: async (req) => {
			const rows = await linesOf(req, PAGE + 1);
			return { lines: rows.slice(0, PAGE), has_more: rows.length > PAGE };
		},
	});

	addRoute(router, studio, {
		method: "get",
		path: "/settlements/:id/lines-csv",
		who: READS,
		answer: async (req) => {
			const rows = await linesOf(req, CSV_PAGE);
			const plain = [
				"kind",
				"psp_kind",
				"psp_id",
				"psp_payment_id",
				"psp_order_id",
				"order_id",
				"status",
				"method",
				"utr",
				"settled_at",
			];
			const money = ["amount", "credit", "debit", "fee", "tax"];
			const csv = toCsv(
				[...plain, "currency", ...money.map((name) => `${name}_inr`)],
				rows.map((row) => [
					...plain.map((name) => row[name]),
					row.currency,
					...money.map((name) => rupeesCell(row[name])),
				]),
			);
			return { csv, next: rows.length === CSV_PAGE ? rows.at(-1)!.id : null };
		},
	});

	async function gatewayOf(req: Request): Promise<Row & { provider: string }> {
		const [row] = await rowsOf(studio, "select public.read_settlement_account(?::uuid) as row", [
			readId(req, "settlement-gateways"),
		]);
		if (row === undefined || row === null) refuse("There is no such gateway");
		return row as Row & { provider: string };
	}

	addLive(router, studio, {
		path: "/settlement-gateways/:id",
		who: READS,
		everyMs: 2_000,
		read: async (req) => {
			const gateway = await gatewayOf(req);
			const reports = gateway.reports as Row[];
			const nameOf = await namesOf(
				studio,
				reports.map(({ imported_by }) => imported_by as string),
			);
			return {
				...gateway,
				reports: reports.map((report) => ({ ...report, imported_by: nameOf(report.imported_by as string) })),
				is_pulled: (PULLED_PROVIDERS as readonly string[]).includes(gateway.provider),
				is_imported: importsFiles(gateway.provider),
			};
		},
	});

	addRoute(router, studio, {
		method: "post",
		path: "/settlement-gateways/:id/pull",
		who: ACTS,
		answer: async (req, actor) => {
			const { provider } = await gatewayOf(req);
			if (!(PULLED_PROVIDERS as readonly string[]).includes(provider)) {
				refuse("This PSP offers no report to programs: import its file");
			}
			await callDatabase(studio, "select public.request_settlement_pull(?::uuid, ?)", [req.params.id, actor]);
			return { requested: true };
		},
	});

	addRoute(router, studio, {
		method: "post",
		path: "/settlement-gateways/:id/terms",
		who: ACTS,
		answer: async (req, actor) => {
			const body = readBody(req);
			if (!Array.isArray(body.terms) || body.terms.length > 50) refuse(`"terms" must be a list`);
			if (!Number.isInteger(body.settlement_days)) refuse(`"settlement_days" must be a whole number`);
			await callDatabase(studio, "select public.set_settlement_terms(?::uuid, ?::jsonb, ?, ?, ?)", [
				readId(req, "settlement-gateways"),
				JSON.stringify(body.terms),
				body.settlement_days,
				readText(body, "reason", 500),
				actor,
			]);
			return gatewayOf(req);
		},
	});

	// The file as the PSP gave it, in the body; ?preview=true does all of it and takes it back.
	addRoute(router, studio, {
		method: "post",
		path: "/settlement-gateways/:id/report",
		who: ACTS,
		answer: async (req, actor) => {
			const file_name = String(req.query.file_name ?? "").slice(0, 255);
			if (file_name.trim() === "") refuse(`"file_name" is needed`);
			const { provider } = await gatewayOf(req);
			if (!importsFiles(provider))
				refuse("There are no settlement files of this PSP: import the bank statement of the account");
			return importReport(req, actor, provider, file_name, req.query.preview === "true");
		},
	});

	async function importReport(
		req: Request,
		actor: string,
		provider: string,
		file_name: string,
		is_preview: boolean,
	): Promise<Row> {
		const { "content-type": mediaType, "content-length": length } = req.headers;
		if (mediaType !== "application/octet-stream") {
			throw new UnsupportedMediaTypeError({ mediaType: String(mediaType), where: "Content-Type header" });
		}
		if (Number(length) > MAX_SETTLEMENT_FILE_BYTES) throw new ContentTooLargeError();
		const hash = createHash("sha256");
		const unreadable: { line_no: number; problem: string }[] = [];
		let unreadable_count = 0;
		try {
			return await (studio.database as unknown as Transactions).transaction(async (database) => {
				const within = { ...studio, database };
				const [opened] = await callDatabase(
					within,
					"select public.begin_settlement_report(?::uuid, ?::jsonb, ?) as id",
					// The sum is known at the end.
					[req.params.id, JSON.stringify({ source: "file", file_name, sha256: "0".repeat(64) }), actor],
				);
				let batch: FileLine[] = [];
				const record = async () => {
					if (batch.length === 0) return;
					await callDatabase(within, "select public.record_settlement_lines(?::uuid, ?::jsonb)", [
						opened!.id,
						JSON.stringify(batch),
					]);
					batch = [];
				};
				for await (const row of readSettlementFile(provider, measured(req, hash))) {
					if ("line" in row) {
						batch.push(row.line);
						if (batch.length === LINES_A_CALL) await record();
					} else {
						unreadable_count += 1;
						if (unreadable.length < UNREADABLE_SHOWN) unreadable.push(row);
					}
				}
				await record();
				const [done] = await callDatabase(
					within,
					"select public.finish_settlement_report(?::uuid, false, ?, ?, ?) as result",
					[opened!.id, unreadable_count, actor, hash.digest("hex")],
				);
				const result = { ...(done!.result as Row), unreadable_lines: unreadable, is_preview };
				if (is_preview) throw new Preview(result);
				return result;
			});
		} catch (error) {
			if (error instanceof Preview) return error.result;
			if (error instanceof SettlementFileError) refuse(error.message);
			throw error;
		}
	}
}

/** What comes in, no more than may, and its sum. */
async function* measured(req: Request, hash: ReturnType<typeof createHash>): AsyncGenerator<Uint8Array> {
	let size = 0;
	for await (const chunk of req as AsyncIterable<Buffer>) {
		size += chunk.length;
		if (size > MAX_SETTLEMENT_FILE_BYTES) throw new ContentTooLargeError();
		hash.update(chunk);
		yield chunk;
	}
}

function readUuid(req: Request, name: string): string | null {
	const value = req.query[name] ?? "";
	if (value === "") return null;
	if (!isUuid(value)) refuse(`"${name}" must be an id`);
	return value;
}

function readDay(req: Request, name: string): string | null {
	const value = req.query[name] ?? "";
	if (value === "") return null;
	if (!DAY.test(String(value))) refuse(`"${name}" must be a day, like 2026-11-01`);
	return value as string;
}

async function peopleOf(studio: Studio, exceptions: Row[]): Promise<Record<string, string>> {
	const ids = exceptions.flatMap(({ owner, resolved_by }) => [owner, resolved_by]).filter(isUuid);
	const nameOf = await namesOf(studio, ids);
	return Object.fromEntries(ids.map((id) => [id, nameOf(id)]));
}
