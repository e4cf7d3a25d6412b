/** Splits an administrator's DATABASE_URL: how to get in, and what the application's database is called. */
const STANDARD_DATABASE = "lightspeedpay";

export function splitDatabaseUrl(databaseUrl: string): { adminUrl: string; database: string } {
	const url = new URL(databaseUrl);
	const named = decodeURIComponent(url.pathname.slice(1));
	// The administrator gets in through a database that exists; the application's own may have to be made.
	url.pathname = "/postgres";
	return { adminUrl: url.href, database: named === "" || named === "postgres" ? STANDARD_DATABASE : named };
}
