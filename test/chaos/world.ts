/** The processes of a storm and the merchants in it: sandbox, checkout, two workers and a studio on a database that is given. */
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { encryptSecret, parseEncryptionKeys } from "../../db/client/secrets.ts";
import { freePort } from "../../db/cluster.ts";
import type { DatabaseRole } from "../../db/prepare.ts";
import { buildExtensions } from "../../directus/build-extensions.mjs";
import { prepareStudio } from "../../directus/prepare.ts";
import type { PspAccount } from "../../psp/adapter.ts";
import type { ConformanceKit } from "../../psp/conformance.ts";
import type { Provider } from "../../psp/providers.ts";
import { Part } from "../../scripts/part.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../merchants.ts";
import { makeCanary } from "./canaries.ts";
import { openReceiver, type Receiver } from "./receiver.ts";

const ROOT = join(import.meta.dirname, "../..");
const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);

export interface StormDatabase {
	adminUrl: string;
	/** Stops the server as `pg_ctl stop -m immediate` does, and starts it again; not where others use it too. */
	crash?(): Promise<void>;
	/** The disk that it lies on, which can be full; null where none can be made. */
	disk?: Disk | null;
	/** Files and directories of the server, where they are nobody else's. */
	files?: readonly string[];
	/** Passwords of the roles, where they are nobody else's. */
	passwords?: readonly string[];
	url(role: DatabaseRole): string;
}

export interface Disk {
	/** Not a byte is free from now on. */
	fill(): Promise<void>;
	/** There is room again; a server that went down for want of it is started. */
	free(): Promise<void>;
}

export interface StormGateway {
	id: string;
	provider: Provider;
	account: PspAccount;
	kit: ConformanceKit;
	/** As which bank's statement the credits of its VPA are read. */
	bank: string;
	/** Its provider does not decide refunds at once. */
	refunds_later: boolean;
}

export interface StormMerchant extends TestMerchant {
	name: string;
	storm_gateways: StormGateway[];
}

/** A payment that a disaster made, beside those of the plan. */
export interface OtherPayment {
	id: string;
	order_id: string;
	amount: number;
	client_id: string;
}

export interface World {
	admin: pg.Pool;
	database: StormDatabase;
	checkout_url: string;
	sandbox_url: string;
	state_file: string;
	/** The first MERCHANT_COUNT are those of the plan. */
	merchants: StormMerchant[];
	others: OtherPayment[];
	/** Ids of jobs that nobody can do. */
	poisoned: Set<string>;
	/** A merchant's endpoint of its own, which can be as dead as one likes. */
	receiver: Receiver;
	/** Null: none takes part. */
	studio: { url: string; email: string; password: string } | null;
	/** What must be found nowhere: of the processes' environments, and typed into the studio. */
	canaries: string[];
	/** What Directus keeps as it is, in one place. */
	kept_canaries: string[];
	openMerchant(terms: Terms): Promise<StormMerchant>;
	gateways: Map<string, StormGateway>;
	control<Answer>(method: string, path: string, body?: unknown): Promise<ControlAnswer<Answer>>;
	/** Ends a process and starts another in its place. */
	restart(name: string, signal: "SIGKILL" | "SIGTERM"): Promise<void>;
	/** To one that is running: what has just ended is waited for until it is up again. */
	signal(name: string, signal: NodeJS.Signals): Promise<void>;
	crashDatabase(): Promise<void>;
	/** Ends all but the database; afterwards the sandbox's state files tell what it took. */
	stop(): Promise<void>;
	logs: Record<string, string>;
}

export interface ControlAnswer<Answer> {
	status: number;
	body: Answer;
}

export interface Terms {
	name: string;
	columns: Record<string, unknown>;
	gateways: Provider[];
	settings?: Partial<Record<Provider, Record<string, unknown>>>;
}

const ALL: Provider[] = ["razorpay", "payu", "cashfree", "phonepe", "stripe", "upi"];

/** Short waits, so that a gateway cools down and comes back, and a payment expires, within the storm. */
const MERCHANTS: Terms[] = [
	{ name: "smart", columns: { rotation_mode: "smart", cooldown_seconds: 2 }, gateways: [...ALL, ...ALL] },
	{
		name: "turns",
		columns: { rotation_mode: "round_robin", cooldown_seconds: 3, fee_percent: 2.25 },
		gateways: [...ALL, "razorpay", "stripe", "phonepe"],
	},
	{
		name: "weights",
		columns: {
			rotation_mode: "weighted",
			cooldown_seconds: 5,
			fee_percent: 1.999,
			reverse_commission_on_refund: false,
		},
		gateways: [...ALL, "cashfree", "payu"],
		settings: { upi: { match_by: "amount" } },
	},
	{
		name: "dynamic",
		columns: { rotation_mode: "dynamic", cooldown_seconds: 2, fee_percent: 0 },
		gateways: [...ALL, "razorpay", "cashfree", "payu", "phonepe"],
	},
	{ name: "single", columns: { rotation_mode: "smart", cooldown_seconds: 2 }, gateways: ["razorpay"] },
];
export const MERCHANT_COUNT = MERCHANTS.length;
const BANKS = ["hdfc", "icici", "plain"];
const ADMINISTRATOR = { email: "chaos@example.com", password: "a storm needs an administrator" };

export interface WorldOptions {
	/** Where logs and the sandbox's files go. */
	directory: string;
	with_studio: boolean;
}

export async function createWorld(database: StormDatabase, { directory, with_studio }: WorldOptions): Promise<World> {
	mkdirSync(directory, { recursive: true });
	const state_file = join(directory, "sandbox.json");
	const logs: Record<string, string> = {};
	const parts: Part[] = [];
	const start = (name: string, entry: string, env: Record<string, string>): Part => {
		logs[name] = join(directory, `${name}.log`);
		const part = new Part({ name, entry: join(ROOT, entry), env: { LOG_LEVEL: "info", ...env }, logFile: logs[name] });
		parts.push(part);
		return part;
	};
	const admin = patientPool(database.adminUrl);
	const receiver = await openReceiver();

	const sandbox = start("sandbox", "sandbox/server.ts", {
		PORT: "0",
		SANDBOX_STATE_FILE: state_file,
		SANDBOX_WEBHOOK_RETRY_BASE_MS: "100",
		LOG_LEVEL: "warn",
	});
	try {
		const [{ port }, checkout_port, studio_port] = await Promise.all([sandbox.ready, freePort(), freePort()]);
		const studio = with_studio ? { url: `http://127.0.0.1:${studio_port}`, ...ADMINISTRATOR } : null;
		if (studio !== null) {
			buildExtensions();
			await prepareStudio({ databaseUrl: database.url("studio"), admin: ADMINISTRATOR, requireSecondFactor: false });
		}
		const sandbox_url = `http://127.0.0.1:${port}`;
		const checkout_url = `http://127.0.0.1:${checkout_port}`;
		const secrets = {
			ENCRYPTION_KEYS: TEST_ENCRYPTION_KEYS,
			STATUS_TOKEN_KEY: randomBytes(32).toString("base64"),
			METRICS_TOKEN: makeCanary("metrics"),
			STUDIO_SECRET: makeCanary("studio-secret-of-some-length"),
			EMAIL_SMTP_PASSWORD: makeCanary("smtp"),
			WHATSAPP_META_TOKEN: makeCanary("whatsapp"),
			WHATSAPP_META_APP_SECRET: makeCanary("meta"),
			WHATSAPP_META_VERIFY_TOKEN: makeCanary("verify"),
			WHATSAPP_GUPSHUP_WEBHOOK_KEY: makeCanary("gupshup"),
		};
		const shared = { ...secrets, PUBLIC_CHECKOUT_URL: checkout_url, SANDBOX_URL: sandbox_url };
		const running = new Map<string, Part>();
		let is_stopping = false;
		/** As a supervisor does: a process that ends unasked is started again, less hastily where it ends while it starts. */
		const run = (name: string, begin: () => Part): Part => {
			const part = begin();
			let is_up = false;
			part.ready.then(
				() => {
					is_up = true;
				},
				() => {},
			);
			running.set(name, part);
			part.ended.then(async () => {
				if (!is_up) await sleep(1_000);
				if (!is_stopping && running.get(name) === part) run(name, begin);
			});
			return part;
		};
		const startWorker = (name: string) =>
			start(name, "jobs/worker.ts", {
				...shared,
				DATABASE_URL: database.url("jobs"),
				OUTBOUND_ALLOWED_HOSTS: `127.0.0.1:${port},${receiver.host}`,
				// Given up after sixteen seconds; a worker that a busy machine keeps from beating for twelve ends itself.
				WORKER_BEAT_SECONDS: "2",
				...(studio !== null && {
					STUDIO_URL: studio.url,
					ALERT_SLACK_WEBHOOK_URL: receiver.slack_url,
					WHATSAPP_PROVIDER: "meta",
					WHATSAPP_META_PHONE_NUMBER_ID,
					WHATSAPP_META_APP_ID,
				}),
			});
		const startCheckout = () =>
			start("checkout", "checkout/server.ts", {
				...shared,
				DATABASE_URL: database.url("checkout"),
				PORT: String(checkout_port),
				LOG_LEVEL: "warn",
			});
		const startStudio = () =>
			start("studio", "directus/server.ts", {
				...secrets,
				PUBLIC_CHECKOUT_URL: checkout_url,
				DATABASE_URL: database.url("studio"),
				STUDIO_UPLOADS: join(directory, "uploads"),
				PORT: String(studio_port),
			});
		const processes = [
			...["jobs-1", "jobs-2"].map((name) => run(name, () => startWorker(name))),
			run("checkout", startCheckout),
			...(studio === null ? [] : [run("studio", startStudio)]),
		];
		const control: World["control"] = async (method, path, body) => {
			const response = await fetch(`${sandbox_url}/_control/${path}`, {
				method,
				...(body !== undefined && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
			});
			const text = await response.text();
			return { status: response.status, body: text === "" ? null : JSON.parse(text) };
		};
		const merchants: StormMerchant[] = [];
		const gateways = new Map<string, StormGateway>();
		const open: World["openMerchant"] = async (terms) => {
			const merchant = await openMerchant(admin, terms, { checkout_url, sandbox_url, control });
			merchants.push(merchant);
			for (const gateway of merchant.storm_gateways) gateways.set(gateway.id, gateway);
			return merchant;
		};
		for (const terms of MERCHANTS) await open(terms);
		if (studio !== null) await openWhatsapp(admin, control, checkout_url, secrets);
		await Promise.all(processes.map(({ ready }) => ready));
		return {
			admin,
			database,
			checkout_url,
			sandbox_url,
			state_file,
			merchants,
			others: [],
			poisoned: new Set(),
			receiver,
			studio,
			canaries: [
				...Object.values(secrets),
				TEST_ENCRYPTION_KEYS.split(":")[1]!,
				...(database.passwords ?? []),
				...(studio === null ? [] : [studio.password, receiver.slack_secret]),
			],
			kept_canaries: [],
			openMerchant: open,
			gateways,
			control,
			logs,
			async restart(name, signal) {
				const old = running.get(name)!;
				process.kill(old.pid!, signal);
				await old.ended;
			},
			async signal(name, signal) {
				for (let is_sent = false; !is_sent; ) {
					const { pid, ready } = running.get(name)!;
					const is_up = await ready.then(
						() => true,
						() => false,
					);
					is_sent = is_up && reaches(pid!, signal);
					if (!is_sent) await sleep(100);
				}
			},
			async crashDatabase() {
				await database.crash?.();
			},
			async stop() {
				is_stopping = true;
				await Promise.all([...running.values()].map((part) => part.stop(12_000)));
				await sandbox.stop(12_000);
				receiver.close();
			},
		};
	} catch (error) {
		await Promise.all(parts.map((part) => part.stop(5_000)));
		receiver.close();
		await admin.end();
		throw error;
	}
}

/** SQLSTATEs and codes of a server that is away or full, or just was. */
const AWAY = /^(57P0[123]|08|53|40|ECONNREFUSED|ECONNRESET|EPIPE)/;

/** Asks again while the server is away; what is asked here may be done twice. */
function patientPool(connectionString: string): pg.Pool {
	const pool = new pg.Pool({ connectionString, max: 12 });
	// The server may end while idle connections are held.
	pool.on("error", () => {});
	pool.on("connect", (client) => client.on("error", () => {}));
	const ask = pool.query.bind(pool) as (...given: unknown[]) => Promise<unknown>;
	const patient = async (...given: unknown[]): Promise<unknown> => {
		for (const deadline = Date.now() + 60_000; ; await sleep(200)) {
			try {
				return await ask(...given);
			} catch (error) {
				const { code = "", message } = error as NodeJS.ErrnoException;
				const is_away = AWAY.test(code) || message.includes("Connection terminated");
				if (!is_away || Date.now() > deadline) throw error;
			}
		}
	};
	return Object.assign(pool, { query: patient as typeof pool.query });
}

const WHATSAPP_META_PHONE_NUMBER_ID = "106540352242922";
const WHATSAPP_META_APP_ID = "7012345";

/** The operator's account for notices to merchants. */
async function openWhatsapp(
	admin: pg.Pool,
	control: World["control"],
	checkout_url: string,
	secrets: Record<"WHATSAPP_META_TOKEN" | "WHATSAPP_META_APP_SECRET" | "WHATSAPP_META_VERIFY_TOKEN", string>,
): Promise<void> {
	const { rows: templates } = await admin.query(
		"select meta_name as name, language, body, jsonb_array_length(variables) as parameters from public.whatsapp_templates",
	);
	await control("PUT", "whatsapp/accounts", {
		provider: "meta",
		phone_number_id: WHATSAPP_META_PHONE_NUMBER_ID,
		app_id: WHATSAPP_META_APP_ID,
		token: secrets.WHATSAPP_META_TOKEN,
		app_secret: secrets.WHATSAPP_META_APP_SECRET,
		verify_token: secrets.WHATSAPP_META_VERIFY_TOKEN,
		webhook_url: `${checkout_url}/whatsapp/meta`,
		templates,
	});
}

async function openMerchant(
	admin: pg.Pool,
	{ name, columns, gateways, settings }: Terms,
	{ checkout_url, sandbox_url, control }: Pick<World, "checkout_url" | "sandbox_url" | "control">,
): Promise<StormMerchant> {
	const merchant = await createMerchant(
		admin,
		keys,
		{
			company_name: name,
			webhook_url: `${sandbox_url}/merchant/webhook/${name}`,
			payment_expiry_seconds: 60,
			...columns,
		},
		gateways.map((provider, index) => ({ name: `${provider} ${index + 1}`, weight: 1 + (index % 4) })),
	);
	await control("PUT", "merchants", { name, client_id: merchant.id, webhook_secret: merchant.webhook_secret });
	const storm_gateways: StormGateway[] = [];
	for (const [index, provider] of gateways.entries()) {
		const { id } = merchant.gateways[index]!;
		const { conformanceKit: kit } = (await import(`../../psp/${provider}/conformance.ts`)) as {
			conformanceKit: ConformanceKit;
		};
		const made = kit.createAccount(`${name}${index}`);
		const account = { ...made, settings: { ...made.settings, ...settings?.[provider] } };
		const seal = (column: string, secret: string | null) =>
			secret === null ? null : encryptSecret(keys, secret, { table: "payment_gateways", column, row: id });
		await admin.query(
			`update public.payment_gateways set provider = $2, api_key = $3, api_secret = $4, webhook_secret = $5, settings = $6
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
		const refunds_later = index % 3 === 2;
		await control("PUT", "accounts", {
			provider,
			...account,
			// Some merchants tell the PSP the address of all their gateways, others that of the one.
			webhook_url: `${checkout_url}/webhook/${merchant.client_key}${index % 2 === 0 ? `/${id}` : ""}`,
			refunds: refunds_later ? "later" : "at_once",
		});
		storm_gateways.push({ id, provider, account, kit, bank: BANKS[index % BANKS.length]!, refunds_later });
	}
	return { ...merchant, name, storm_gateways };
}

function reaches(pid: number, signal: NodeJS.Signals): boolean {
	try {
		return process.kill(pid, signal);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
		throw error;
	}
}
