/**
 * The two demo merchants. Inserted once, as the studio would: the database gives them wallet and routing state. On every
 * later start their sandbox accounts and addresses follow the ports of that start; what an operator changed stays.
 */
import { randomBytes } from "node:crypto";
import type pg from "pg";
import { decryptSecret, type EncryptionKeys, encryptSecret } from "../db/client/secrets.ts";
import { providerName } from "../directus/config/providers.ts";

export interface DemoMerchant {
	name: string;
	client_id: string;
	client_key: string;
	client_salt: string;
	webhook_secret: string;
}

export interface SeedOptions {
	/** Connected as `owner`. */
	owner: pg.Client;
	keys: EncryptionKeys;
	/** Those with a sandbox; each demo merchant with one gateway a provider has all of them. */
	providers: readonly string[];
	checkoutUrl: string;
	sandboxUrl: string;
}

interface Blueprint {
	name: string;
	columns: Record<string, unknown>;
	gateways(providers: readonly string[]): { name: string; provider: string; priority: number }[];
}

interface DemoAccount {
	api_key: string;
	/** Null for direct UPI. */
	api_secret: string | null;
	webhook_secret: string | null;
	settings: Record<string, string>;
}

/** Kaveri Books tries them in this order; those that are not named come last. */
const ORDER = ["razorpay", "cashfree", "payu", "phonepe", "stripe", "upi"];

/** Accounts that look like those of the provider, where that is more than a key and two secrets. */
const ACCOUNTS: Record<string, () => Partial<DemoAccount>> = {
	razorpay: () => ({ api_key: `rzp_test_${hex(7)}` }),
	// Their webhooks are proven by the secret itself.
	cashfree: () => ({ api_key: `TEST${hex(12)}`, api_secret: `cfsk_ma_test_${hex(16)}`, webhook_secret: null }),
	payu: () => ({ api_key: hex(3), webhook_secret: null }),
	phonepe: () => ({ api_key: `SU${hex(8).toUpperCase()}`, settings: { client_version: "1", webhook_mode: "hmac" } }),
	stripe: () => ({
		api_key: `pk_test_${hex(12)}`,
		api_secret: `sk_test_${hex(12)}`,
		webhook_secret: `whsec_${hex(16)}`,
	}),
	upi: () => ({
		api_key: "kaveribooks@sandboxbank",
		api_secret: null,
		webhook_secret: null,
		settings: { payee_name: "Kaveri Books", mcc: "5942", match_by: "reference" },
	}),
};

const hex = (bytes: number): string => randomBytes(bytes).toString("hex");

const BLUEPRINTS: Blueprint[] = [
	{
		name: "Kaveri Books",
		columns: {
			legal_name: "Kaveri Books Private Limited",
			state_code: "29",
			email: "accounts@kaveribooks.example",
			phone: "+91 98450 12345",
			allow_plain_salt: true,
			max_rpm_per_gateway: null,
			rate_limit_per_minute: 100_000,
			kyc_status: "verified",
		},
		gateways: (providers) =>
			providers.map((provider) => ({
				name: `Kaveri ${providerName(provider)}`,
				provider,
				priority: 10 * (1 + [...ORDER].reverse().indexOf(provider)),
			})),
	},
	{
		name: "Fifty Lamps",
		columns: {
			legal_name: "Fifty Lamps LLP",
			state_code: "33",
			email: "accounts@fiftylamps.example",
			phone: "+91 98410 54321",
			allow_plain_salt: false,
			max_rpm_per_gateway: 1,
			rate_limit_per_minute: 1000,
			kyc_status: "verified",
		},
		gateways: () =>
			Array.from({ length: 50 }, (_, index) => ({
				name: `Lamp ${String(index + 1).padStart(2, "0")}`,
				provider: "razorpay",
				priority: 0,
			})),
	},
];

/** Database part: needs no sandbox. */
export async function seedMerchants(options: SeedOptions): Promise<DemoMerchant[]> {
	const merchants: DemoMerchant[] = [];
	for (const blueprint of BLUEPRINTS) {
		const merchant = (await findMerchant(options, blueprint.name)) ?? (await insertMerchant(options, blueprint));
		await followPorts(options, merchant);
		merchants.push(merchant);
	}
	return merchants;
}

/** Makes the sandbox know the merchants' PSP accounts and webhook endpoints. */
export async function registerWithSandbox(options: SeedOptions, merchants: DemoMerchant[]): Promise<void> {
	const { owner, keys, checkoutUrl, sandboxUrl } = options;
	for (const merchant of merchants) {
		const { name, client_id, webhook_secret, client_salt } = merchant;
		await control(sandboxUrl, "merchants", { name, client_id, webhook_secret, client_salt });
		const { rows } = await owner.query<{
			id: string;
			provider: string;
			api_key: string;
			api_secret: string;
			webhook_secret: string | null;
			settings: Record<string, unknown>;
		}>(
			// Direct UPI has no account anywhere but at the merchant's bank.
			`select id, provider, api_key, api_secret, webhook_secret, settings from public.payment_gateways
			where client_id = $1 and api_secret is not null order by id`,
			[client_id],
		);
		await Promise.all(
			rows.map((gateway) => {
				const open = (column: "api_secret" | "webhook_secret") =>
					gateway[column] === null
						? null
						: decryptSecret(keys, gateway[column], { table: "payment_gateways", column, row: gateway.id });
				return control(sandboxUrl, "accounts", {
					provider: gateway.provider,
					api_key: gateway.api_key,
					api_secret: open("api_secret"),
					webhook_secret: open("webhook_secret"),
					settings: gateway.settings,
					webhook_url: `${checkoutUrl}/webhook/${merchant.client_key}/${gateway.id}`,
				});
			}),
		);
	}
}

export async function control(sandboxUrl: string, path: string, body: unknown): Promise<void> {
	const response = await fetch(`${sandboxUrl}/_control/${path}`, {
		method: "PUT",
		headers: { "content-type": "application/json" },
		body: JSON.stringify(body),
		signal: AbortSignal.timeout(10_000),
	});
	if (!response.ok) {
		throw new Error(
			`The sandbox refused PUT /_control/${path} with ${response.status}: ${(await response.text()).slice(0, 300)}`,
		);
	}
	await response.arrayBuffer();
}

async function findMerchant({ owner, keys }: SeedOptions, name: string): Promise<DemoMerchant | null> {
	const { rows } = await owner.query<{ id: string; client_key: string; client_salt: string; webhook_secret: string }>(
		"select id, client_key, client_salt, webhook_secret from public.clients where company_name = $1 order by id limit 1",
		[name],
	);
	const row = rows[0];
	if (row === undefined) return null;
	const open = (column: "client_salt" | "webhook_secret") =>
		decryptSecret(keys, row[column], { table: "clients", column, row: row.id });
	return {
		name,
		client_id: row.id,
		client_key: row.client_key,
		client_salt: open("client_salt"),
		webhook_secret: open("webhook_secret"),
	};
}

async function insertMerchant(options: SeedOptions, blueprint: Blueprint): Promise<DemoMerchant> {
	const { owner, keys } = options;
	const gateways = blueprint.gateways(options.providers);
	const { rows } = await owner.query<{ id: string }>("select uuidv7() as id from generate_series(0, $1)", [
		gateways.length,
	]);
	const [client, ...gatewayIds] = rows.map(({ id }) => id);
	const merchant: DemoMerchant = {
		name: blueprint.name,
		client_id: client!,
		client_key: `lsp_${randomBytes(12).toString("hex")}`,
		client_salt: randomBytes(24).toString("base64url"),
		webhook_secret: `whsec_${randomBytes(24).toString("base64")}`,
	};
	const seal = (table: string, column: string, row: string, plaintext: string) =>
		encryptSecret(keys, plaintext, { table, column, row });
	await owner.query("begin");
	try {
		await insert(owner, "clients", {
			id: merchant.client_id,
			company_name: merchant.name,
			client_key: merchant.client_key,
			client_salt: seal("clients", "client_salt", merchant.client_id, merchant.client_salt),
			webhook_secret: seal("clients", "webhook_secret", merchant.client_id, merchant.webhook_secret),
			...blueprint.columns,
		});
		for (const [index, gateway] of gateways.entries()) {
			const id = gatewayIds[index]!;
			const account: DemoAccount = {
				api_key: hex(8),
				api_secret: hex(12),
				webhook_secret: hex(16),
				settings: {},
				...ACCOUNTS[gateway.provider]?.(),
			};
			const sealed = (column: "api_secret" | "webhook_secret") =>
				account[column] === null ? null : seal("payment_gateways", column, id, account[column]);
			await insert(owner, "payment_gateways", {
				id,
				client_id: merchant.client_id,
				...gateway,
				api_key: account.api_key,
				api_secret: sealed("api_secret"),
				webhook_secret: sealed("webhook_secret"),
				settings: JSON.stringify(account.settings),
				methods: gateway.provider === "upi" ? '["upi"]' : null,
			});
		}
		await owner.query("commit");
	} catch (error) {
		await owner.query("rollback");
		throw error;
	}
	return merchant;
}

async function insert(owner: pg.Client, table: string, row: Record<string, unknown>): Promise<void> {
	const columns = Object.keys(row);
	await owner.query(
		`insert into public.${table} (${columns.join(", ")}) values (${columns.map((_, index) => `$${index + 1}`).join(", ")})`,
		Object.values(row),
	);
}

/** The sandbox's merchant pages may be on another port than last time; an address an operator chose is left alone. */
async function followPorts({ owner, sandboxUrl }: SeedOptions, merchant: DemoMerchant): Promise<void> {
	const slug = merchant.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
	await owner.query(
		`update public.clients set webhook_url = $2, redirect_urls = jsonb_build_array($3::text)
		where id = $1 and (webhook_url is null or webhook_url ~ '^http://127\\.0\\.0\\.1:[0-9]+/merchant/webhook/')
			and (webhook_url, redirect_urls) is distinct from ($2, jsonb_build_array($3::text))`,
		[merchant.client_id, `${sandboxUrl}/merchant/webhook/${slug}`, `${sandboxUrl}/merchant/return`],
	);
}
