import type { DatabaseListener } from "./database-listener.ts";

/** Far more than one process serves in a while; bounds memory, not correctness. */
const MOST_ENTRIES = 50_000;

/**
 * What was read about merchants, by client key, kept until the database says that the merchant changed. Nothing is kept
 * while the process cannot hear the database: then each request asks.
 */
export class ClientCache<Value> {
	readonly #listener: DatabaseListener;
	readonly #clientIdOf: (value: Value) => string;
	readonly #values = new Map<string, Value>();
	readonly #count: (result: "hit" | "miss") => void;
	/** Counts forgettings: what was being read during one of them may be old, and is not kept. */
	#generation = 0;

	constructor(
		listener: DatabaseListener,
		changes: readonly ("client_changed" | "gateway_changed")[],
		clientIdOf: (value: Value) => string,
		count: (result: "hit" | "miss") => void,
	) {
		this.#listener = listener;
		this.#clientIdOf = clientIdOf;
		this.#count = count;
		for (const change of changes) listener.on(change, (client_id) => this.#forget(client_id));
		listener.on("connected", () => this.#forgetAll());
		listener.on("disconnected", () => this.#forgetAll());
	}

	get(client_key: string): Value | undefined {
		const value = this.#values.get(client_key);
		this.#count(value === undefined ? "miss" : "hit");
		return value;
	}

	/** Reads and keeps; null is not kept. */
	async read<Found extends Value | null>(client_key: string, read: () => Promise<Found>): Promise<Found> {
		const generation = this.#generation;
		const value = await read();
		if (value !== null && this.#listener.connected && generation === this.#generation) {
			if (this.#values.size >= MOST_ENTRIES) this.#values.clear();
			this.#values.set(client_key, value);
		}
		return value;
	}

	#forget(client_id: string): void {
		this.#generation++;
		for (const [client_key, value] of this.#values) {
			if (this.#clientIdOf(value) === client_id) this.#values.delete(client_key);
		}
	}

	#forgetAll(): void {
		this.#generation++;
		this.#values.clear();
	}
}
