import { randomBytes, randomUUID } from "node:crypto";
import pg from "pg";
import { encryptSecret, parseEncryptionKeys } from "../db/client/secrets.ts";

export interface BenchMerchant {
	id: string;
	client_key: string;
	client_salt: string;
}

/** Merchants without limits of their own, each with `gateways` gateways. */
export async function seedMerchants(
	adminUrl: string,
	encryptionKeys: string,
	count: number,
	gateways: number,
): Promise<BenchMerchant[]> {
	const keys = parseEncryptionKeys(encryptionKeys);
	const merchants = Array.from({ length: count }, () => ({
		id: randomUUID(),
		client_key: `bench_${randomBytes(9).toString("hex")}`,
		client_salt: randomBytes(24).toString("base64url"),
	}));
	const rows = merchants.map(({ id, client_key, client_salt }) => ({
		id,
		client_key,
		client_salt: encryptSecret(keys, client_salt, { table: "clients", column: "client_salt", row: id }),
		webhook_secret: encryptSecret(keys, "whsec_", { table: "clients", column: "webhook_secret", row: id }),
	}));
	const admin = new pg.Client({ connectionString: adminUrl });
	await admin.connect();
	await admin.query(
		`insert into public.clients (id, client_key, client_salt, webhook_secret, company_name, rate_limit_per_minute, max_rpm_per_gateway)
		select id, client_key, client_salt, webhook_secret, 'Bench', 2000000000, null
			from jsonb_to_recordset($1) r (id uuid, client_key text, client_salt text, webhook_secret text)`,
		[JSON.stringify(rows)],
	);
	await admin.query(
		`insert into public.payment_gateways (client_id, name, provider, api_key, api_secret)
		select c.id, 'Gateway ' || n, 'razorpay', 'rzp_bench_' || n, 'v1.bench' from public.clients c, generate_series(1, $1) n`,
		[gateways],
	);
	await admin.query("vacuum analyze");
	await admin.end();
	return merchants;
}
