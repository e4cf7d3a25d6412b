import { afterAll, beforeAll, expect, test } from "vitest";
import { checkRecentInvariants } from "../db/client/invariants.ts";
import { parseEncryptionKeys } from "../db/client/secrets.ts";
import { createTestDatabase, type TestDatabase } from "../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../test/merchants.ts";
import { payPayment, queryAs } from "../test/payments.ts";
import { COLUMNS, type LedgerRow, readCsv, readDatabase, verifyLedger } from "./verify-ledger.ts";

let database: TestDatabase;
let kaveri: TestMerchant;
const rows = queryAs(() => database.pool("admin"));
beforeAll(async () => {
	database = await createTestDatabase();
	kaveri = await createMerchant(database.pool("admin"), parseEncryptionKeys(TEST_ENCRYPTION_KEYS));
	await createMerchant(database.pool("admin"), parseEncryptionKeys(TEST_ENCRYPTION_KEYS));
	for (let payment = 0; payment < 3; payment++) await payPayment(database, kaveri);
	await rows("select book_entry($1, 'MANUAL_SETTLEMENT', -100, null)", [kaveri.id]);
	await rows("select book_entry($1, 'MANUAL_SETTLEMENT', 0, E'in two lines,\\nwith \"quotes\" – ₹')", [kaveri.id]);
});
afterAll(() => database.drop());

async function all(of: AsyncIterable<LedgerRow>): Promise<LedgerRow[]> {
	const found: LedgerRow[] = [];
	for await (const row of of) found.push(row);
	return found;
}

const exported = () => all(readDatabase(database.adminUrl));

test("what the database hashed is sound, recomputed from rows, also by way of a CSV", async () => {
	const sound = await exported();
	expect(await verifyLedger(sound)).toMatchObject({ wallets: 2, entries: 8, breaks: [] });
	const quoted = (value: string | null) =>
		value === null ? "" : /[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
	const csv = [COLUMNS.join(","), ...sound.map((row) => COLUMNS.map((column) => quoted(row[column])).join(","))].join(
		"\n",
	);
	async function* lines() {
		yield* csv.split("\n");
	}
	expect(await all(readCsv(lines()))).toEqual(sound);
});

const breaking: [string, (entries: LedgerRow[]) => LedgerRow[], string | null][] = [
	["an amount is edited", (all) => all.map((row) => (row.entry_no === "3" ? { ...row, amount: "1" } : row)), "3"],
	[
		"a description is edited",
		(all) => all.map((row) => (row.entry_no === "4" ? { ...row, description: "x" } : row)),
		"4",
	],
	["an entry is deleted", (all) => all.filter((row) => row.entry_no !== "5"), "6"],
	["the last entry is deleted", (all) => all.filter((row) => row.entry_no !== "8"), null],
	[
		"two entries change places",
		(all) =>
			all.map((row) => {
				const other = all.find(({ entry_no }) => entry_no === { 1: "3", 3: "1" }[row.entry_no ?? ""]);
				return other === undefined ? row : { ...other, entry_no: row.entry_no };
			}),
		"1",
	],
];
test.each(breaking)("where %s, the first entry that is wrong is named", async (_, corrupt, entry_no) => {
	const { breaks } = await verifyLedger(corrupt(await exported()));
	expect(breaks).toEqual([{ client_id: kaveri.id, entry_no, what: expect.any(String) }]);
});

test("a chain that was rewritten as a whole does not meet the anchors that were kept", async () => {
	const { heads } = await verifyLedger(await exported());
	expect((await verifyLedger(await exported(), heads)).breaks).toEqual([]);
	const rewritten = { ...heads, [kaveri.id]: { entry_no: "8", hash: "f".repeat(64) } };
	expect((await verifyLedger(await exported(), rewritten)).breaks).toMatchObject([{ entry_no: "8" }]);
});

const planted: [string, string, whole?: boolean][] = [
	["an amount is edited", "update wallet_entries set amount = amount + 1 where entry_no = 8", true],
	["the last entry is deleted", "delete from wallet_entries where entry_no = 8"],
	[
		"the last entry is deleted and the wallet put back",
		`update wallets w set entry_count = 7, balance_due = e.balance_after, head_hash = e.hash from wallet_entries e
				where e.client_id = w.client_id and e.entry_no = 7 and w.entry_count = 8;
			delete from wallet_entries where entry_no = 8`,
	],
	[
		"two entries change places",
		`alter table wallet_entries drop constraint wallet_entries_client_id_entry_no_key cascade;
			update wallet_entries set entry_no = case entry_no when 7 then 8 else 7 end where entry_no in (7, 8)`,
	],
];
test.each(planted)("where a superuser did it (%s), a check finds it", async (_, corruption, whole = false) => {
	await checkRecentInvariants(database.pool("jobs"));
	const client = await database.pool("admin").connect();
	try {
		await client.query("begin; set local session_replication_role = replica");
		await client.query(corruption);
		const { rows: found } = await client.query("select invariant from check_wallets(array[$1::uuid], $2)", [
			kaveri.id,
			whole,
		]);
		expect(found.length).toBeGreaterThan(0);
	} finally {
		await client.query("rollback");
		client.release();
	}
});
