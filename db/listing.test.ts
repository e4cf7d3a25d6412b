import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../test/database.ts";
import { LISTING_FILE, listSchema } from "./listing.ts";

let database: TestDatabase;

beforeAll(async () => {
	database = await createTestDatabase();
});

afterAll(() => database.drop());

async function listing(): Promise<string> {
	const client = await database.pool("admin").connect();
	try {
		return await listSchema(client);
	} finally {
		client.release();
	}
}

describe("the listing of the schema", () => {
	test("db/schema.txt is what the migrations and functions make (else run `npm run schema:listing`)", async () => {
		expect(await listing()).toBe(readFileSync(LISTING_FILE, "utf8"));
	});

	test("shows a column, a constraint, an index, a trigger, a function and who was granted what", async () => {
		await database.pool("owner").query(
			`
			create table public.zebras (
				id bigint generated always as identity constraint zebras_pkey primary key,
				name text not null default 'Asha' constraint zebras_name_check check (length(name) < 9)
			);
			create index zebras_name_idx on public.zebras (name) where name <> '';
			create function public.pat_zebra() returns trigger language plpgsql
				security definer set search_path = '' as $$ begin return new; end $$;
			create trigger pat before insert on public.zebras for each row execute function public.pat_zebra();
			create view reports.zebras as select count(*) as count from public.zebras;
			grant select (name), update (name, id) on public.zebras to studio;
			grant select on reports.zebras to finance;
		`.replace("p_id bigint, p_times integer default 1", ""),
		);
		const text = await listing();
		expect(text).toContain(
			[
				"table public.zebras (owner owner)",
				"  id bigint not null generated always as identity",
				"  name text not null default 'Asha'::text",
				"  constraint zebras_name_check CHECK ((length(name) < 9))",
				"  constraint zebras_pkey PRIMARY KEY (id)",
				"  index zebras_name_idx ON public.zebras USING btree (name) WHERE (name <> ''::text)",
				"  trigger pat BEFORE INSERT ON public.zebras FOR EACH ROW EXECUTE FUNCTION public.pat_zebra()",
				"  grant select (name) to studio",
				"  grant update (id, name) to studio",
			].join("\n"),
		);
		expect(text).toContain("view reports.zebras (owner owner)\n  count bigint\n  grant select to finance\n  as SELECT");
		expect(text).toContain(
			'function public.pat_zebra() returns trigger\n  plpgsql · volatile · security definer · search_path="" · owner owner · execute by its owner',
		);
	});
});
