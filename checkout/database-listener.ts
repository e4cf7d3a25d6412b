import { EventEmitter } from "node:events";
import type pg from "pg";
import type { Logger } from "pino";
import { createConnection } from "../db/client/connection.ts";

export const CHANNELS = ["transaction_status", "client_changed", "gateway_changed"] as const;
export type Channel = (typeof CHANNELS)[number];

interface ListenerEvents {
	transaction_status: [transaction_id: string];
	client_changed: [client_id: string];
	gateway_changed: [client_id: string];
	/** Listening (again): whatever was notified while it was not is lost, so forget what depends on it. */
	connected: [];
	disconnected: [];
}

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
/** A peer that vanished without a word (fail-over, cable) is noticed by this. */
const PROBE_MS = 10_000;
const PROBE_TIMEOUT_MS = 5_000;

/** One connection of this process that hears what the database announces, made again whenever it is lost. */
export class DatabaseListener extends EventEmitter<ListenerEvents> {
	readonly #connectionString: string;
	readonly #logger: Logger;
	#connection: pg.Client | null = null;
	#timer: NodeJS.Timeout | undefined;
	#retry_ms = FIRST_RETRY_MS;
	#stopped = false;

	constructor(connectionString: string, logger: Logger) {
		super();
		// Each cache and the hub listen once; the default bound of ten warns about nothing here.
		this.setMaxListeners(50);
		this.#connectionString = connectionString;
		this.#logger = logger;
	}

	get connected(): boolean {
		return this.#connection !== null;
	}

	/** Resolves when listening; rejects when the first try fails. */
	async start(): Promise<void> {
		await this.#connect();
	}

	/** Milliseconds of a round trip on the listening connection. */
	async probe(): Promise<number> {
		const connection = this.#connection;
		if (connection === null) throw new Error("The listener is not connected.");
		const started = performance.now();
		let timer: NodeJS.Timeout | undefined;
		const late = new Promise<never>((_, reject) => {
			timer = setTimeout(() => reject(new Error("The listener's connection does not answer.")), PROBE_TIMEOUT_MS);
		});
		try {
			await Promise.race([connection.query("select 1"), late]);
		} finally {
			clearTimeout(timer);
		}
		return performance.now() - started;
	}

	async stop(): Promise<void> {
		this.#stopped = true;
		clearTimeout(this.#timer);
		const connection = this.#connection;
		this.#connection = null;
		await connection?.end().catch(() => {});
	}

	async #connect(): Promise<void> {
		const connection = createConnection({
			connectionString: this.#connectionString,
			application_name: "checkout-listener",
			connectionTimeoutMillis: PROBE_TIMEOUT_MS,
			keepAlive: true,
		});
		connection.on("error", (error) => this.#lose(connection, error));
		connection.on("end", () => this.#lose(connection, new Error("The connection ended.")));
		connection.on("notification", ({ channel, payload }) => {
			if ((CHANNELS as readonly string[]).includes(channel)) this.emit(channel as Channel, payload ?? "");
		});
		try {
			await connection.connect();
			await connection.query(CHANNELS.map((channel) => `listen ${channel}`).join(";"));
		} catch (error) {
			connection.end().catch(() => {});
			throw error;
		}
		if (this.#stopped) {
			await connection.end();
			return;
		}
		this.#connection = connection;
		this.#retry_ms = FIRST_RETRY_MS;
		this.#watch();
		this.emit("connected");
	}

	#watch(): void {
		this.#timer = setTimeout(() => {
			const connection = this.#connection;
			this.probe().then(
				() => this.#connection === connection && this.#watch(),
				(error) => connection && this.#lose(connection, error),
			);
		}, PROBE_MS).unref();
	}

	#lose(connection: pg.Client, error: unknown): void {
		if (this.#connection !== connection || this.#stopped) return;
		this.#connection = null;
		clearTimeout(this.#timer);
		this.#logger.warn({ err: error }, "lost the connection that listens to the database");
		connection.end().catch(() => {});
		this.emit("disconnected");
		this.#reconnect();
	}

	#reconnect(): void {
		this.#timer = setTimeout(() => {
			if (this.#stopped) return;
			this.#connect().then(
				() => this.#logger.info("listening to the database again"),
				() => this.#reconnect(),
			);
		}, this.#retry_ms);
		this.#retry_ms = Math.min(this.#retry_ms * 2, LAST_RETRY_MS);
	}
}
