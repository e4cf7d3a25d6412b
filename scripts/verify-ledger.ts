/**
 * `npm run verify:ledger -- --file entries.csv | --database [--anchors earlier.json] [--write-anchors now.json]`
 *
 * Recomputes the chain of hashes over every wallet's entries (docs/ledger.md) from rows alone, with nothing of the database's own
 * functions, and names the first entry of each wallet that is not what it was. --database reads the rows from DATABASE_URL with plain
 * selects; --file reads a CSV that the query in docs/ledger.md exports. Anchors are heads that were kept elsewhere: whoever rewrites a
 * whole chain, its head included, cannot meet those.
 *
 * Ends with 0 when all is sound, 1 when an entry is broken, 2 when it could not look.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { createConnection } from "../db/client/connection.ts";

/** All text, as PostgreSQL writes it; null is null. The columns of an export, in this order. */
export const COLUMNS = [
	"client_id",
	"entry_no",
	"id",
	"type",
	"amount",
	"balance_after",
	"transaction_id",
	"refund_id",
	"dispute_id",
	"created_at",
	"description",
	"hash",
	"wallet_entry_count",
	"wallet_balance_due",
	"wallet_head_hash",
] as const;
export type LedgerRow = Record<(typeof COLUMNS)[number], string | null>;

/** One row an entry with its wallet's state, in order; a wallet without entries has one row of its own. */
export const EXPORT_QUERY = `select w.client_id, e.entry_no, e.id, e.type, e.amount, e.balance_after, e.transaction_id, e.refund_id, e.dispute_id,
	to_char(e.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as created_at, e.description, encode(e.hash, 'hex') as hash,
	w.entry_count as wallet_entry_count, w.balance_due as wallet_balance_due, encode(w.head_hash, 'hex') as wallet_head_hash
	from public.wallets w left join public.wallet_entries e on e.client_id = w.client_id
	order by w.client_id, e.entry_no`;

export interface Anchor {
	entry_no: string;
	hash: string;
}
export type Anchors = Record<string, Anchor>;

export interface Break {
	client_id: string;
	/** Of the first entry that is wrong; null where it is the wallet itself. */
	entry_no: string | null;
	what: string;
}

export interface Verdict {
	wallets: number;
	entries: number;
	/** The first one of each wallet that has any. */
	breaks: Break[];
	heads: Anchors;
}

const NO_HASH = "0".repeat(64);

export function entryHash(before: string, row: LedgerRow): string {
	const lines = [
		"lightspeedpay.ledger.v1",
		before,
		row.client_id,
		row.entry_no,
		row.id,
		row.type,
		row.amount,
		row.balance_after,
		row.transaction_id ?? "-",
		row.refund_id ?? "-",
		row.dispute_id ?? "-",
		row.created_at,
		row.description === null ? "-" : `=${row.description}`,
	];
	return createHash("sha256").update(lines.join("\n"), "utf8").digest("hex");
}

interface Wallet {
	client_id: string;
	entry_no: bigint;
	balance: bigint;
	hash: string;
	state: Pick<LedgerRow, "wallet_entry_count" | "wallet_balance_due" | "wallet_head_hash">;
	met_anchor: boolean;
	broken: boolean;
}

export async function verifyLedger(
	rows: AsyncIterable<LedgerRow> | Iterable<LedgerRow>,
	anchors: Anchors = {},
): Promise<Verdict> {
	const verdict: Verdict = { wallets: 0, entries: 0, breaks: [], heads: {} };
	const seen = new Set<string>();
	let wallet: Wallet | null = null;
	const report = (of: Wallet, entry_no: string | null, what: string) => {
		if (!of.broken) verdict.breaks.push({ client_id: of.client_id, entry_no, what });
		of.broken = true;
	};
	const close = (of: Wallet) => {
		const { wallet_entry_count, wallet_balance_due, wallet_head_hash } = of.state;
		if (wallet_entry_count !== String(of.entry_no)) {
			report(of, null, `the wallet counts ${wallet_entry_count} entries, the last one there is ${of.entry_no}`);
		}
		if (wallet_balance_due !== String(of.balance)) {
			report(of, null, `the wallet's balance is ${wallet_balance_due}, its entries come to ${of.balance}`);
		}
		if (wallet_head_hash !== of.hash) report(of, null, "the wallet's head is not the hash of its last entry");
		if (!of.met_anchor && anchors[of.client_id] !== undefined) {
			report(of, anchors[of.client_id]!.entry_no, "the entry that was kept as an anchor is not there");
		}
		verdict.heads[of.client_id] = { entry_no: String(of.entry_no), hash: of.hash };
	};
	for await (const row of rows) {
		const client_id = row.client_id ?? "";
		if (wallet === null || wallet.client_id !== client_id) {
			if (wallet !== null) close(wallet);
			wallet = newWallet(client_id, row, anchors);
			verdict.wallets++;
			if (seen.has(client_id)) report(wallet, row.entry_no, "the rows of this wallet do not stand together");
			seen.add(client_id);
		}
		if (row.entry_no === null) continue;
		verdict.entries++;
		const expected_no: bigint = wallet.entry_no + 1n;
		if (row.entry_no !== String(expected_no)) {
			report(wallet, row.entry_no, `entry ${expected_no} was to come, this is ${row.entry_no}`);
		}
		const balance: bigint = wallet.balance + BigInt(row.amount ?? 0);
		if (row.balance_after !== String(balance)) {
			report(
				wallet,
				row.entry_no,
				`its balance is ${row.balance_after}, the one before and its amount come to ${balance}`,
			);
		}
		if (row.hash !== entryHash(wallet.hash, row)) {
			report(wallet, row.entry_no, "its hash is not that of its content and the entry before it");
		}
		const anchor: Anchor | undefined = anchors[client_id];
		if (anchor?.entry_no === row.entry_no) {
			wallet.met_anchor = true;
			if (anchor.hash !== row.hash) report(wallet, row.entry_no, "it is not the entry that was kept as an anchor");
		}
		// On from what stands there, so that one wrong entry is one break.
		wallet.entry_no = BigInt(row.entry_no);
		wallet.balance = BigInt(row.balance_after ?? 0);
		wallet.hash = row.hash ?? NO_HASH;
	}
	if (wallet !== null) close(wallet);
	for (const [client_id, { entry_no }] of Object.entries(anchors)) {
		if (!seen.has(client_id) && entry_no !== "0") {
			verdict.breaks.push({ client_id, entry_no: null, what: "the wallet, of which an anchor was kept, is not there" });
		}
	}
	return verdict;
}

function newWallet(client_id: string, row: LedgerRow, anchors: Anchors): Wallet {
	const { wallet_entry_count, wallet_balance_due, wallet_head_hash } = row;
	const state = { wallet_entry_count, wallet_balance_due, wallet_head_hash };
	const met_anchor = anchors[client_id] === undefined || anchors[client_id].entry_no === "0";
	return { client_id, entry_no: 0n, balance: 0n, hash: NO_HASH, state, met_anchor, broken: false };
}

/** As `\copy … csv header` writes: a null is nothing, an empty text is "". */
export async function* readCsv(lines: AsyncIterable<string>): AsyncGenerator<LedgerRow> {
	let header: string[] | null = null;
	let record = "";
	for await (const line of lines) {
		record = record === "" ? line : `${record}\n${line}`;
		// A text with a line break in it goes on.
		if ((record.split('"').length - 1) % 2 === 1) continue;
		const fields = fieldsOf(record);
		record = "";
		if (header === null) {
			header = fields.map((field) => field ?? "");
			const missing = COLUMNS.filter((column) => !header!.includes(column));
			if (missing.length > 0)
				throw new Error(`The file has no column ${missing.join(", ")}; docs/ledger.md has the query.`);
			continue;
		}
		yield Object.fromEntries(COLUMNS.map((column) => [column, fields[header!.indexOf(column)] ?? null])) as LedgerRow;
	}
}

function fieldsOf(record: string): (string | null)[] {
	const fields: (string | null)[] = [];
	let at = 0;
	do {
		if (record[at] === '"') {
			let field = "";
			at++;
			for (; at < record.length; at++) {
				if (record[at] !== '"') field += record[at];
				else if (record[at + 1] === '"') {
					field += '"';
					at++;
				} else break;
			}
			fields.push(field);
			at += 2;
		} else {
			const end = record.indexOf(",", at) === -1 ? record.length : record.indexOf(",", at);
			fields.push(end === at ? null : record.slice(at, end));
			at = end + 1;
		}
	} while (at <= record.length);
	return fields;
}

const BATCH = 10_000;

/** By a cursor: one moment, in little memory. */
export async function* readDatabase(url: string): AsyncGenerator<LedgerRow> {
	const client = createConnection({ connectionString: url, application_name: "lightspeedpay-verify-ledger" });
	await client.connect();
	try {
		await client.query("begin isolation level repeatable read read only");
		await client.query(`declare entries no scroll cursor for ${EXPORT_QUERY}`);
		for (;;) {
			const { rows } = await client.query<unknown[]>({
				text: `fetch ${BATCH} from entries`,
				rowMode: "array",
				types: { getTypeParser: () => String },
			});
			for (const row of rows)
				yield Object.fromEntries(COLUMNS.map((column, index) => [column, row[index]])) as LedgerRow;
			if (rows.length < BATCH) return;
		}
	} finally {
		await client.end();
	}
}

async function main(): Promise<number> {
	const { values } = parseArgs({
		options: {
			file: { type: "string" },
			database: { type: "boolean", default: false },
			anchors: { type: "string" },
			"write-anchors": { type: "string" },
		},
	});
	if ((values.file === undefined) !== values.database) {
		console.error("Say --file entries.csv, or --database for the one of DATABASE_URL.");
		return 2;
	}
	const url = process.env.DATABASE_URL;
	if (values.database && !url) {
		console.error("DATABASE_URL is not set: the URL of a login that may read wallets and wallet_entries.");
		return 2;
	}
	const anchors = values.anchors ? (JSON.parse(await readFile(values.anchors, "utf8")) as Anchors) : {};
	const rows = values.file ? readCsv(createInterface({ input: createReadStream(values.file) })) : readDatabase(url!);
	const { wallets, entries, breaks, heads } = await verifyLedger(rows, anchors);
	for (const { client_id, entry_no, what } of breaks) {
		console.log(`client ${client_id}${entry_no === null ? "" : `, entry ${entry_no}`}: ${what}`);
	}
	console.log(`${entries} entries of ${wallets} wallets: ${breaks.length === 0 ? "sound" : `${breaks.length} broken`}`);
	if (breaks.length > 0) return 1;
	if (values["write-anchors"]) await writeFile(values["write-anchors"], `${JSON.stringify(heads, null, "\t")}\n`);
	return 0;
}

if (import.meta.main) {
	process.exitCode = await main().catch((error: Error) => {
		console.error(error.message);
		return 2;
	});
}
