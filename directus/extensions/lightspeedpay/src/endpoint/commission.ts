/** What merchants owe us: their accounts, what finance books by hand, invoices, and who we are on them. */
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

const READS = areaOf("commission").policies;
const ACTS = [POLICIES.finance];
const SUSPENDS = [POLICIES.operator, POLICIES.finance];
/** Administrators alone. */
const ADMINISTERS: string[] = [];

const PAGE = 50;
const CSV_PAGE = 5_000;
/** A merchant has some tens of documents a year: all of them make one file. */
const INVOICE_PAGE = 100;
const SHOWS = ["all", "refused", "suspended", "proposals"];
const METHODS = ["bank_transfer", "upi", "cheque", "cash", "other"];
const DAY = /^\d{4}-\d{2}-\d{2}$/;

export function addCommissionRoutes(router: Router, studio: Studio): void {
	async function merchants(req: Request): Promise<{ merchants: Row[]; has_more: boolean }> {
		const { search = "", show = "all", after_balance = "", after_id = "" } = req.query;
		if (typeof search !== "string" || search.length > 200) refuse(`"search" must be a part of a name`);
		if (!SHOWS.includes(show as string)) refuse(`"show" must be one of ${SHOWS.join(", ")}`);
		if (after_id !== "" && (!isUuid(after_id) || !/^-?\d{1,15}$/.test(String(after_balance)))) {
			refuse(`"after_balance" and "after_id" must be the last row's`);
		}
		const rows = await rowsOf(studio, "select public.list_commission(?::text, ?, ?::bigint, ?::uuid, ?) as row", [
			search.trim() || null,
			show,
			after_id === "" ? null : after_balance,
			after_id || null,
			PAGE + 1,
		]);
		return { merchants: rows.slice(0, PAGE), has_more: rows.length > PAGE };
	}

	addLive(router, studio, {
		path: "/commission",
		who: READS,
		everyMs: 1_000,
		read: async (req) => {
			const [page, [totals]] = await Promise.all([
				merchants(req),
				rowsOf(studio, "select public.sum_commission() as row", []),
			]);
			return { ...page, totals };
		},
	});

	addRoute(router, studio, { method: "get", path: "/commission-page", who: READS, answer: merchants });

	addRoute(router, studio, {
		method: "get",
		path: "/commission-rights",
		who: READS,
		answer: async (_req, actor) => {
			const [may_act, may_suspend, may_administer] = await Promise.all(
				[ACTS, SUSPENDS, ADMINISTERS].map((policies) => holdsPolicy(studio, actor, policies)),
			);
			return { user: actor, may_act, may_suspend, may_administer };
		},
	});

	addLive(router, studio, {
		path: "/commission/:id",
		who: READS,
		everyMs: 1_000,
		read: async (req) => {
			const [account] = await rowsOf(studio, "select public.read_commission_account(?::uuid) as row", [
				readId(req, "commission"),
			]);
			return { ...account!, people: await peopleOf(studio, account!) };
		},
	});

	const readPage = (req: Request, name: string): string | null => {
		const value = req.query[name] ?? "";
		if (typeof value !== "string" || !/^\d{0,18}$/.test(value)) refuse(`"${name}" must be a number`);
		return value || null;
	};
	const readMonth = (req: Request): string | null => {
		const month = req.query.month ?? "";
		if (month !== "" && !DAY.test(String(month))) refuse(`"month" must be a day, like 2026-11-01`);
		return (month as string) || null;
	};
	const entriesOf = (req: Request, limit: number): Promise<Row[]> =>
		rowsOf(studio, "select public.list_wallet_entries(?::uuid, ?::bigint, ?::date, ?, ?) as row", [
			readId(req, "commission"),
			readPage(req, "before"),
			readMonth(req),
			req.query.by_hand === "true",
			limit,
		]);

	addRoute(router, studio, {
		method: "get",
		path: "/commission/:id/entries",
		who: READS,
		answer: async (req) => {
			const rows = await entriesOf(req, PAGE + 1);
			return { entries: rows.slice(0, PAGE), has_more: rows.length > PAGE };
		},
	});

	// A part at a time, newest first: the page asks on with `next` and puts the parts together.
	addRoute(router, studio, {
		method: "get",
		path: "/commission/:id/entries-csv",
		who: READS,
		answer: async (req) => {
			const rows = await entriesOf(req, CSV_PAGE);
			const csv = toCsv(
				[
					"entry_no",
					"created_at",
					"type",
					"amount_inr",
					"balance_after_inr",
					"order_id",
					"transaction_id",
					"description",
				],
				rows.map((row) => [
					row.entry_no,
					row.created_at,
					row.type,
					rupeesCell(row.amount),
					rupeesCell(row.balance_after),
					row.order_id,
					row.transaction_id,
					row.description,
				]),
			);
			return { csv, next: rows.length === CSV_PAGE ? String(rows.at(-1)!.entry_no) : null };
		},
	});

	addRoute(router, studio, {
		method: "get",
		path: "/commission/:id/months",
		who: READS,
		answer: (req) => rowsOf(studio, "select public.list_billing_periods(?::uuid) as row", [readId(req, "commission")]),
	});

	addRoute(router, studio, {
		method: "get",
		path: "/commission/:id/invoices",
		who: READS,
		answer: async (req) => {
			const before = req.query.before ?? null;
			if (before !== null && !isUuid(before)) refuse(`"before" must be the id of an invoice`);
			const rows = await rowsOf(studio, "select public.list_invoices(?::uuid, ?::uuid, ?) as row", [
				readId(req, "commission"),
				before,
				PAGE + 1,
			]);
			return { invoices: rows.slice(0, PAGE), has_more: rows.length > PAGE };
		},
	});

	addRoute(router, studio, {
		method: "get",
		path: "/commission/:id/invoice-lines-csv",
		who: READS,
		answer: async (req) => {
			const client_id = readId(req, "commission");
			const invoices: Row[] = [];
			for (;;) {
				const page = await rowsOf(studio, "select public.list_invoices(?::uuid, ?::uuid, ?) as row", [
					client_id,
					invoices.at(-1)?.id ?? null,
					INVOICE_PAGE,
				]);
				invoices.push(...page);
				if (page.length < INVOICE_PAGE) return { csv: invoiceLinesCsv(invoices) };
			}
		},
	});

	addRoute(router, studio, {
		method: "get",
		path: "/invoices/:id/pdf",
		who: READS,
		answer: async (req) => {
			const [row] = await callDatabase(studio, "select * from public.read_invoice_document(?::uuid)", [
				readId(req, "invoices"),
			]);
			if (row!.pdf === null) refuse("The PDF is being drawn. Try again in a moment");
			return {
				file_name: `${(row!.document_no as string).replaceAll("/", "-")}.pdf`,
				sha256: row!.sha256,
				base64: (row!.pdf as Buffer).toString("base64"),
			};
		},
	});

	addRoute(router, studio, {
		method: "post",
		path: "/commission/:id/settlements",
		who: ACTS,
		answer: async (req, actor) => {
			const body = readBody(req);
			if (!METHODS.includes(body.method as string)) refuse(`"method" must be one of ${METHODS.join(", ")}`);
			if (!DAY.test(String(body.received_on))) refuse(`"received_on" must be a day, like 2026-11-01`);
			const [row] = await rowsOf(
				studio,
				"select public.record_manual_settlement(?::uuid, ?::bigint, ?, ?, ?::date, ?, ?) as row",
				[
					readId(req, "commission"),
					readPaise(body, "amount"),
					readText(body, "reference", 100),
					body.method,
					body.received_on,
					readText(body, "note", 500),
					actor,
				],
			);
			return row;
		},
	});

	addRoute(router, studio, {
		method: "post",
		path: "/commission/:id/adjustments",
		who: ACTS,
		answer: async (req, actor) => {
			const body = readBody(req);
			if (!isUuid(body.id)) refuse(`"id" must be a uuid that is made once for this adjustment`);
			const [row] = await rowsOf(studio, "select public.propose_adjustment(?::uuid, ?::uuid, ?::bigint, ?, ?) as row", [
				body.id,
				readId(req, "commission"),
				readPaise(body, "amount"),
				readText(body, "reason", 500),
				actor,
			]);
			return row;
		},
	});

	addRoute(router, studio, {
		method: "post",
		path: "/adjustments/:id/decision",
		who: ACTS,
		answer: async (req, actor) => {
			const body = readBody(req);
			if (typeof body.approve !== "boolean") refuse(`"approve" must be true or false`);
			const [row] = await rowsOf(studio, "select public.decide_adjustment(?::uuid, ?, ?, ?) as row", [
				readId(req, "adjustments"),
				body.approve,
				readText(body, "reason", 500),
				actor,
			]);
			return row;
		},
	});

	addRoute(router, studio, {
		method: "post",
		path: "/commission/:id/suspension",
		who: SUSPENDS,
		answer: async (req, actor) => {
			const body = readBody(req);
			if (typeof body.suspend !== "boolean") refuse(`"suspend" must be true or false`);
			const [row] = await callDatabase(studio, "select public.set_client_suspension(?::uuid, ?, ?, ?) as status", [
				readId(req, "commission"),
				body.suspend,
				readText(body, "reason", 500),
				actor,
			]);
			return row;
		},
	});

	addRoute(router, studio, {
		method: "get",
		path: "/company-profile",
		who: READS,
		answer: async () => (await rowsOf(studio, "select public.read_company_profile() as row", []))[0],
	});

	addRoute(router, studio, {
		method: "patch",
		path: "/company-profile",
		who: ADMINISTERS,
		answer: async (req, actor) => {
			const body = readBody(req);
			const [row] = await rowsOf(
				studio,
				"select public.save_company_profile(public.read_company_profile() || ?::jsonb, ?) as row",
				[JSON.stringify(body), actor],
			);
			return row;
		},
	});
}

/** Whole paise, as a number or as text; the database says which amounts there may be. */
function readPaise(body: Row, name: string): string {
	const value = String(body[name] ?? "");
	if (!/^-?\d{1,15}$/.test(value)) refuse(`"${name}" must be whole paise`);
	return value;
}

function invoiceLinesCsv(invoices: Row[]): string {
	return toCsv(
		[
			"document_no",
			"kind",
			"issued_on",
			"month",
			"credits_invoice",
			"recipient_gstin",
			"place_of_supply",
			"sac",
			"line_no",
			"line",
			"fee_percent",
			"gst_percent",
			"quantity",
			"volume_inr",
			"taxable_inr",
			"cgst_inr",
			"sgst_inr",
			"igst_inr",
		],
		invoices.flatMap((invoice) =>
			(invoice.lines as Row[]).map((line) => [
				invoice.document_no,
				invoice.kind,
				invoice.issued_on,
				invoice.month,
				(invoice.credits as Row | null)?.document_no,
				(invoice.recipient as Row).gstin,
				invoice.place_of_supply,
				invoice.sac,
				line.line_no,
				line.kind,
				line.fee_percent,
				line.gst_percent,
				line.quantity,
				...[line.volume, line.taxable_amount, line.cgst, line.sgst, line.igst].map(rupeesCell),
			]),
		),
	);
}

/** The people named in an account, for those who may not read the list of users: {id: name}. */
async function peopleOf(studio: Studio, account: Row): Promise<Record<string, string>> {
	const ids = [
		...(account.adjustments as Row[]).flatMap(({ proposed_by, decided_by }) => [proposed_by, decided_by]),
		...(account.settlements as Row[]).map(({ recorded_by }) => recorded_by),
		(account.suspension as Row | null)?.by,
	].filter(isUuid);
	const nameOf = await namesOf(studio, ids);
	return Object.fromEntries(ids.map((id) => [id, nameOf(id)]));
}
