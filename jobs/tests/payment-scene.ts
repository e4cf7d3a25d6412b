import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished } from "vitest";
import { initiatePayments, requestConfirmation } from "../../db/client/payments.ts";
import { encryptSecret, parseEncryptionKeys } from "../../db/client/secrets.ts";
import type { Presentation, PspAccount, WebhookEvent } from "../../psp/adapter.ts";
import type { ConformanceKit } from "../../psp/conformance.ts";
import { createPspAdapters, type Provider } from "../../psp/providers.ts";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestGateway, type TestMerchant } from "../../test/merchants.ts";
import { acceptGatewayEvent } from "../../test/payments.ts";
import { type Sandbox, startSandbox } from "./sandbox-process.ts";
import {
	type Endpoint,
	type ReceivedRequest,
	startEndpoint,
	startWorker,
	type WorkerProcess,
} from "./worker-process.ts";

export const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);

const adapters = createPspAdapters();

export interface Attempt {
	id: string;
	gateway_id: string;
	status: string;
	psp_order_id: string | null;
	error_code: string | null;
	presentation: Presentation | null;
}

export interface SceneMerchant extends TestMerchant {
	name: string;
	/** Of its gateways, in their order. */
	accounts: { provider: Provider; account: PspAccount }[];
}

export interface Scene {
	readonly database: TestDatabase;
	readonly sandbox: Sandbox;
	/**
	 * What becomes unknown stays so until the answer is called: else it is looked up within seconds, which is no more than a busy
	 * machine may take to read the state before.
	 */
	holdLookUps(): Promise<() => Promise<void>>;
	/** The worker that the tests of a file share: each finds its queue empty, and hears only what was logged since it began. */
	work(): Promise<Pick<WorkerProcess, "line" | "lines">>;
	/** A worker of the test's own, which lives until its end at most; the shared one ends. */
	start(env?: Record<string, string>): Promise<WorkerProcess>;
	/** Razorpay gateways that the sandbox knows. */
	merchantWith(gateways?: Record<string, unknown>[]): Promise<SceneMerchant>;
	/** From now on refunds of the first gateway are pending until the sandbox is told what becomes of them. */
	refundsLater(merchant: SceneMerchant): Promise<void>;
	/** One gateway a provider, in order of priority. */
	merchantOf(...providers: Provider[]): Promise<SceneMerchant>;
	rows<Row>(text: string, values?: unknown[]): Promise<Row[]>;
	initiate(merchant: TestMerchant): Promise<string>;
	attemptsOf(transaction_id: string): Promise<Attempt[]>;
	statusOf(transaction_id: string): Promise<string>;
	reaches(transaction_id: string, status: string): Promise<void>;
	/** A payment of ₹499 that the sandbox says was paid; the only attempt it needed. */
	payOnce(merchant: TestMerchant, provider?: Provider): Promise<{ transaction_id: string; attempt: Attempt }>;
	/** Where the way to the PSP is a form, the PSP knows of the order no sooner than a browser posts it. */
	arrive(attempt: Attempt): Promise<void>;
	/** Razorpay's webhook of that kind that names that; others that come before it are answered and left. */
	nextWebhook(event_type: string, about: string): Promise<ReceivedRequest>;
	/** Takes a webhook for the first gateway as checkout does: verified on the raw bytes, then stored. */
	accept(merchant: SceneMerchant, request: ReceivedRequest): Promise<string>;
	/** Takes the first gateway's next webhook that says this; others are answered and left. */
	acceptWebhook(merchant: SceneMerchant, fits: (event: WebhookEvent) => boolean): Promise<string>;
	/** What the merchant's endpoint at the sandbox was told about the payment. */
	heardBy(transaction_id: string): Promise<{ type: string; verified: boolean; body: unknown }[]>;
}

/** What tests of payments have around them: a database, the sandbox in a process of its own, and workers. */
export function usePaymentScene(): Scene {
	let database: TestDatabase;
	let sandbox: Sandbox;
	/** Stands where checkout would receive the PSP's webhooks. */
	let webhooks: Endpoint;
	const workers: WorkerProcess[] = [];
	let shared: WorkerProcess | null = null;

	async function end(worker: WorkerProcess): Promise<void> {
		worker.kill("SIGKILL");
		await worker.exited;
		// The server goes on with what a dead process had asked for, and might commit it after what follows.
		await scene.rows(
			`select pg_terminate_backend(pid, 60000) from pg_stat_activity
				where datname = current_database() and usename = 'jobs' and application_name <> 'test-jobs'`,
		);
	}

	const launch = (env: Record<string, string>) =>
		startWorker({
			DATABASE_URL: database.url("jobs"),
			SANDBOX_URL: sandbox.url,
			OUTBOUND_ALLOWED_HOSTS: sandbox.host,
			...env,
		});

	/** Else the worker would look them up in the next test. */
	async function forgetLookUps(): Promise<void> {
		await scene.rows("update payment_attempts set next_lookup_at = null where next_lookup_at is not null");
		await scene.rows("update refunds set next_lookup_at = null where next_lookup_at is not null");
	}

	/** Jobs at work end, those that wait are dropped, until none is left. */
	async function untilIdle(worker: WorkerProcess): Promise<void> {
		await sandbox.clearFaults();
		const left = async () => {
			await forgetLookUps();
			await scene.rows("delete from graphile_worker._private_jobs where locked_at is null");
			return scene.rows("select task_identifier as task from graphile_worker.jobs");
		};
		await expect.poll(left, { interval: 10 }).toEqual([]);
		await forgetLookUps();
		worker.lines.splice(0);
	}

	beforeAll(async () => {
		[database, sandbox, webhooks] = await Promise.all([createTestDatabase(), startSandbox(), startEndpoint()]);
	});
	beforeEach(() => sandbox.clearFaults());
	afterEach(async () => {
		if (shared !== null) return untilIdle(shared);
		await Promise.all(workers.splice(0).map(end));
		await scene.rows("delete from graphile_worker._private_jobs");
		// Of a schedule that was being run there is no other run until the dead worker's is given up.
		await scene.rows("delete from pgboss.job where state = 'active'");
		await forgetLookUps();
	});
	afterAll(async () => {
		if (shared !== null) await end(shared);
		await Promise.all([sandbox?.stop(), webhooks?.close()]);
		await database?.drop();
	});

	const scene: Scene = {
		get database() {
			return database;
		},
		get sandbox() {
			return sandbox;
		},
		async holdLookUps() {
			const TABLES = ["payment_attempts", "refunds"];
			const onEach = (statement: (table: string) => string) => scene.rows(TABLES.map(statement).join(";"));
			await scene.rows(
				`create function public.hold_look_up() returns trigger language plpgsql as $$
					begin new.next_lookup_at := new.next_lookup_at + interval '1 hour'; return new; end $$`,
			);
			await onEach(
				(table) => `create trigger hold_look_up before update on public.${table} for each row
					when (new.status = 'unknown' and new.next_lookup_at is distinct from old.next_lookup_at)
					execute function public.hold_look_up()`,
			);
			const letGo = () => scene.rows("drop function if exists public.hold_look_up() cascade");
			onTestFinished(async () => {
				await letGo();
			});
			return async () => {
				await letGo();
				await onEach(
					(table) => `update ${table} set next_lookup_at = next_lookup_at - interval '1 hour' where status = 'unknown'`,
				);
			};
		},
		async work() {
			shared ??= await launch({});
			return shared;
		},
		async start(env = {}) {
			if (shared !== null) {
				await end(shared);
				shared = null;
				await scene.rows("delete from pgboss.job where state = 'active'");
			}
			const worker = await launch(env);
			workers.push(worker);
			return worker;
		},
		async merchantWith(gateways = [{}]) {
			const name = `Shop ${randomUUID().slice(0, 8)}`;
			const merchant = await createMerchant(database.pool("admin"), keys, { company_name: name }, gateways);
			const accounts = merchant.gateways.map(({ api_key, api_secret, webhook_secret }) => ({
				provider: "razorpay" as const,
				account: { api_key, api_secret, webhook_secret, settings: {} },
			}));
			for (const each of accounts) await register(each);
			const webhook_url = await sandbox.registerMerchant(name, merchant.webhook_secret);
			await scene.rows("update clients set webhook_url = $2 where id = $1", [merchant.id, webhook_url]);
			return { ...merchant, name, accounts };
		},
		refundsLater: ({ accounts: [account] }) => register(account!, "later"),
		async merchantOf(...providers) {
			const merchant = await scene.merchantWith(providers.map((_, index) => ({ priority: 90 - index })));
			const accounts: SceneMerchant["accounts"] = [];
			for (const [index, provider] of providers.entries()) {
				const account = (await kitOf(provider)).createAccount(randomUUID().slice(0, 8));
				accounts.push({ provider, account });
				await register({ provider, account });
				await giveAccount(merchant.gateways[index]!, provider, account);
			}
			return { ...merchant, accounts };
		},
		async rows<Row>(text: string, values: unknown[] = []) {
			return (await database.pool("admin").query(text, values)).rows as Row[];
		},
		async initiate(merchant) {
			const [result] = await initiatePayments(database.pool("checkout"), [
				{
					client_id: merchant.id,
					client_key: merchant.client_key,
					order_id: randomUUID(),
					amount: 49_900,
					currency: "INR",
					customer: { name: "Asha Rao", email: "asha@example.com", phone: "+919876543210" },
				},
			]);
			if (!result?.ok) throw result?.error;
			return result.transaction_id;
		},
		attemptsOf: (transaction_id) =>
			scene.rows<Attempt>(
				`select id, gateway_id, status, psp_order_id, error_code, presentation from payment_attempts
					where transaction_id = $1 order by attempt_no`,
				[transaction_id],
			),
		async statusOf(transaction_id) {
			const [row] = await scene.rows<{ status: string }>("select status from transactions where id = $1", [
				transaction_id,
			]);
			return row!.status;
		},
		reaches: (transaction_id, status) => expect.poll(() => scene.statusOf(transaction_id)).toBe(status),
		async payOnce(merchant, provider = "razorpay") {
			const transaction_id = await scene.initiate(merchant);
			await scene.reaches(transaction_id, "pending");
			const [attempt] = await scene.attemptsOf(transaction_id);
			await scene.arrive(attempt!);
			await sandbox.pay(attempt!.psp_order_id!, "success", { skip: true }, provider);
			await requestConfirmation(database.pool("checkout"), attempt!.id);
			await scene.reaches(transaction_id, "paid");
			return { transaction_id, attempt: attempt! };
		},
		async arrive({ presentation }) {
			if (presentation?.kind !== "form") return;
			const response = await fetch(presentation.url, {
				method: "POST",
				body: new URLSearchParams(presentation.fields),
				redirect: "manual",
			});
			await response.arrayBuffer();
		},
		async nextWebhook(event_type, about) {
			for (;;) {
				const request = await webhooks.next();
				request.response.writeHead(200).end();
				if (JSON.parse(request.body).event === event_type && request.body.includes(about)) return request;
			}
		},
		async accept({ gateways, accounts }, { headers, body }) {
			const [{ provider, account }] = accounts as [SceneMerchant["accounts"][0]];
			const request = { raw_body: Buffer.from(body), headers: headers as Record<string, string> };
			const verification = adapters[provider].verifyWebhook(account, request);
			if (!verification.valid) throw new Error(verification.reason);
			const { event_id } = await acceptGatewayEvent(database.pool("checkout"), {
				gateway_id: gateways[0]!.id,
				...request,
				...verification,
			});
			return event_id;
		},
		async acceptWebhook(merchant, fits) {
			const { provider } = merchant.accounts[0]!;
			for (;;) {
				const request = await webhooks.next();
				request.response.writeHead(200).end();
				const event = adapters[provider].parseWebhook({
					raw_body: Buffer.from(request.body),
					headers: request.headers as Record<string, string>,
				});
				if (fits(event)) return scene.accept(merchant, request);
			}
		},
		heardBy: async (transaction_id) =>
			(await sandbox.merchantEvents()).filter(({ body }) => JSON.stringify(body).includes(transaction_id)),
	};

	function register(
		{ provider, account }: SceneMerchant["accounts"][0],
		refunds: "at_once" | "later" = "at_once",
	): Promise<void> {
		return sandbox.registerAccount(provider, account, { webhook_url: webhooks.url, refunds });
	}

	async function giveAccount({ id }: TestGateway, provider: Provider, account: PspAccount): Promise<void> {
		const seal = (column: string, secret: string | null) =>
			secret === null ? null : encryptSecret(keys, secret, { table: "payment_gateways", column, row: id });
		await scene.rows(
			`update payment_gateways set provider = $2, api_key = $3, api_secret = $4, webhook_secret = $5, settings = $6
				where id = $1`,
			[
				id,
				provider,
				account.api_key,
				seal("api_secret", account.api_secret),
				seal("webhook_secret", account.webhook_secret),
				JSON.stringify(account.settings),
			],
		);
	}

	return scene;
}

export async function kitOf(provider: Provider): Promise<ConformanceKit> {
	const module = (await import(`../../psp/${provider}/conformance.ts`)) as { conformanceKit: ConformanceKit };
	return module.conformanceKit;
}
