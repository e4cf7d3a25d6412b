import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { createConnection } from "../db/client/connection.ts";
import { encryptSecret, parseEncryptionKeys } from "../db/client/secrets.ts";
import type { Ground } from "./scene.ts";

export interface BenchMerchant {
	id: string;
	client_key: string;
	client_salt: string;
	webhook_secret: string;
	gateways: BenchGateway[];
}

/** An account at Razorpay's sandbox. */
export interface BenchGateway {
	id: string;
	api_key: string;
	api_secret: string;
	webhook_secret: string;
}

/** Merchants without limits of their own, each with `gateways` gateways. */
export async function seedMerchants(
	adminUrl: string,
	encryptionKeys: string,
	count: number,
	gateways: number,
): Promise<BenchMerchant[]> {
	const keys = parseEncryptionKeys(encryptionKeys);
	const admin = createConnection({ connectionString: adminUrl });
	await admin.connect();
	try {
		const { rows: ids } = await admin.query<{ id: string }>("select uuidv7() as id from generate_series(1, $1)", [
			count * (1 + gateways),
		]);
		const nextId = () => ids.pop()!.id;
		const merchants: BenchMerchant[] = Array.from({ length: count }, () => ({
			id: nextId(),
			client_key: `bench_${randomBytes(9).toString("hex")}`,
			client_salt: randomBytes(24).toString("base64url"),
			webhook_secret: `whsec_${randomBytes(24).toString("base64")}`,
			gateways: Array.from({ length: gateways }, () => ({
				id: nextId(),
				api_key: `rzp_test_${randomBytes(7).toString("hex")}`,
				api_secret: randomBytes(12).toString("hex"),
				webhook_secret: randomBytes(16).toString("hex"),
			})),
		}));
		const seal = (table: string, column: string, row: string, plaintext: string) =>
			encryptSecret(keys, plaintext, { table, column, row });
		await admin.query(
			`insert into public.clients (id, client_key, client_salt, webhook_secret, company_name, rate_limit_per_minute, max_rpm_per_gateway)
			select id, client_key, client_salt, webhook_secret, 'Bench', 2000000000, null
				from jsonb_to_recordset($1) r (id uuid, client_key text, client_salt text, webhook_secret text)`,
			[
				JSON.stringify(
					merchants.map(({ id, client_key, client_salt, webhook_secret }) => ({
						id,
						client_key,
						client_salt: seal("clients", "client_salt", id, client_salt),
						webhook_secret: seal("clients", "webhook_secret", id, webhook_secret),
					})),
				),
			],
		);
		await admin.query(
			`insert into public.payment_gateways (id, client_id, name, provider, api_key, api_secret, webhook_secret)
			select id, client_id, name, 'razorpay', api_key, api_secret, webhook_secret
				from jsonb_to_recordset($1) r (id uuid, client_id uuid, name text, api_key text, api_secret text, webhook_secret text)`,
			[
				JSON.stringify(
					merchants.flatMap((merchant) =>
						merchant.gateways.map(({ id, api_key, api_secret, webhook_secret }, index) => ({
							id,
							client_id: merchant.id,
							name: `Gateway ${index + 1}`,
							api_key,
							api_secret: seal("payment_gateways", "api_secret", id, api_secret),
							webhook_secret: seal("payment_gateways", "webhook_secret", id, webhook_secret),
						})),
					),
				),
			],
		);
		// A worker that has just started would pull the settlement reports of all of them, which it does hourly, while it is measured.
		await admin.query("update public.settlement_accounts set next_pull_at = now() + interval '1 day'");
		await admin.query("vacuum analyze");
		return merchants;
	} finally {
		await admin.end();
	}
}

/** Writes what a sandbox reads at its start: the merchants' accounts, with what more is said of each, and endpoints. */
export async function writeSandboxState(ground: Ground, file: string, more: Record<string, unknown>): Promise<void> {
	const all = [...ground.merchants, ground.lone];
	const state = {
		merchants: all.map(({ id, client_key, webhook_secret, client_salt }) => ({
			client_id: id,
			name: client_key,
			webhook_secret,
			client_salt,
		})),
		accounts: all.flatMap(({ client_key, gateways }) =>
			gateways.map(({ id, ...account }) => ({
				provider: "razorpay",
				...account,
				...more,
				webhook_url: `http://127.0.0.1:${ground.checkout_port}/webhook/${client_key}/${id}`,
			})),
		),
	};
	await writeFile(file, JSON.stringify(state), { mode: 0o600 });
}

/** Has the merchants' events sent to the sandbox. */
export async function sendEventsTo(sandboxUrl: string, ground: Ground): Promise<void> {
	const admin = createConnection({ connectionString: ground.admin_url });
	await admin.connect();
	try {
		// As the sandbox derives its path from a merchant's name.
		await admin.query(
			`update public.clients set webhook_url = $1 || '/merchant/webhook/' || replace(client_key, '_', '-')
			where client_key like 'bench\\_%'`,
			[sandboxUrl],
		);
	} finally {
		await admin.end();
	}
}
