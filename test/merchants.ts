/** Merchants for tests, as the studio would make them: secrets encrypted, wallet and routing rows by the database. */
import { randomBytes, randomUUID } from "node:crypto";
import type pg from "pg";
import { type EncryptionKeys, encryptSecret } from "../db/client/secrets.ts";

export const TEST_ENCRYPTION_KEYS = `test:${Buffer.alloc(32, 7).toString("base64")}`;

export interface TestGateway {
	id: string;
	api_key: string;
	api_secret: string;
	webhook_secret: string;
}

export interface TestMerchant {
	id: string;
	client_key: string;
	client_salt: string;
	webhook_secret: string;
	gateways: TestGateway[];
}

/**
 * Inserts a merchant. `columns` overrides columns of clients; `gateways` is one object of columns of payment_gateways for
 * each gateway (default: one Razorpay gateway). Without more said: no request limit a gateway, 100,000 requests a minute.
 */
export async function createMerchant(
	admin: pg.Pool,
	keys: EncryptionKeys,
	columns: Record<string, unknown> = {},
	gateways: Record<string, unknown>[] = [{}],
): Promise<TestMerchant> {
	const id = randomUUID();
	const merchant: TestMerchant = {
		id,
		client_key: `lsp_${randomBytes(9).toString("hex")}`,
		client_salt: randomBytes(24).toString("base64url"),
		webhook_secret: `whsec_${randomBytes(24).toString("base64")}`,
		gateways: [],
	};
	const seal = (table: string, column: string, row: string, plaintext: string) =>
		encryptSecret(keys, plaintext, { table, column, row });
	await insert(admin, "clients", {
		id,
		client_key: merchant.client_key,
		client_salt: seal("clients", "client_salt", id, merchant.client_salt),
		webhook_secret: seal("clients", "webhook_secret", id, merchant.webhook_secret),
		company_name: "Test Merchant",
		rate_limit_per_minute: 100_000,
		max_rpm_per_gateway: null,
		...columns,
	});
	for (const [index, overrides] of gateways.entries()) {
		const gateway: TestGateway = {
			id: randomUUID(),
			api_key: `rzp_test_${randomBytes(7).toString("hex")}`,
			api_secret: randomBytes(12).toString("hex"),
			webhook_secret: randomBytes(12).toString("hex"),
		};
		await insert(admin, "payment_gateways", {
			id: gateway.id,
			client_id: id,
			name: `Gateway ${index + 1}`,
			provider: "razorpay",
			api_key: gateway.api_key,
			api_secret: seal("payment_gateways", "api_secret", gateway.id, gateway.api_secret),
			webhook_secret: seal("payment_gateways", "webhook_secret", gateway.id, gateway.webhook_secret),
			...overrides,
		});
		merchant.gateways.push(gateway);
	}
	return merchant;
}

async function insert(admin: pg.Pool, table: string, row: Record<string, unknown>): Promise<void> {
	const columns = Object.keys(row);
	await admin.query(
		`insert into public.${table} (${columns.join(", ")}) values (${columns.map((_, index) => `$${index + 1}`).join(", ")})`,
		Object.values(row).map((value) => (Array.isArray(value) || isPlainObject(value) ? JSON.stringify(value) : value)),
	);
}

function isPlainObject(value: unknown): boolean {
	return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
