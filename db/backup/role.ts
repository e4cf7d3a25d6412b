import pg from "pg";
import { createConnection } from "../client/connection.ts";
import { scramVerifier } from "../prepare.ts";

/**
 * The login that copies the cluster and looks at a restored one: it may replicate, and call check_invariants(), nothing else.
 * Whoever replicates reads every byte, so its password is worth as much as the administrator's.
 */
export async function prepareBackupRole(databaseUrl: string, password: string): Promise<void> {
	const client = createConnection({ connectionString: databaseUrl, application_name: "lightspeedpay-prepare" });
	await client.connect();
	try {
		await client.query(`do $$ begin
			if not exists (select from pg_catalog.pg_roles where rolname = 'backup') then
				create role backup;
			end if;
			alter role backup login replication nocreatedb nocreaterole password ${pg.escapeLiteral(scramVerifier(password))};
			execute format('grant connect on database %I to backup', current_database());
			grant usage on schema public to backup;
			grant execute on function public.check_invariants() to backup;
		end $$`);
	} finally {
		await client.end();
	}
}

/** The backup role's URL on the server of `adminUrl`. */
export function backupUrl(adminUrl: string, password: string): string {
	const url = new URL(adminUrl);
	url.username = "backup";
	url.password = encodeURIComponent(password);
	return url.href;
}
