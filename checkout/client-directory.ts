import { type BinaryLike, createHash, createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from "node:crypto";
import { type Client, findClientByKey } from "../db/client/clients.ts";
import type { Queryable } from "../db/client/call.ts";
import { decryptSecret, type EncryptionKeys } from "../db/client/secrets.ts";
import type { DatabaseListener } from "./database-listener.ts";

/** A merchant as requests are checked against it. */
export interface KnownClient {
	id: string;
	client_key: string;
	company_name: string;
	allow_plain_salt: boolean;
	/** Origin and path of each registered address that payers may be sent back to. */
	redirect_targets: ReadonlySet<string>;
	/** As stored; tells whether the salt changed. */
	sealed_salt: string;
	/** The salt as key of the signature. */
	signing_key: KeyObject;
	/** SHA-256 of the salt. */
	salt_digest: Buffer;
}

/** Stands in for a merchant that does not exist, so that refusing one costs the same work. */
const NOBODY: KnownClient = {
	id: "",
	client_key: "",
	company_name: "",
	allow_plain_salt: false,
	redirect_targets: new Set(),
	sealed_salt: "",
	signing_key: createSecretKey(randomBytes(32)),
	salt_digest: randomBytes(32),
};

/** Far more than one process serves in a while; bounds memory, not correctness. */
const MOST_CLIENTS = 50_000;

/**
 * Merchants by client key, with their salts decrypted, kept until the database says that they changed. Nothing is kept
 * while the process cannot hear the database: then each request asks.
 */
export class ClientDirectory {
	readonly #database: Queryable;
	readonly #keys: EncryptionKeys;
	readonly #listener: DatabaseListener;
	readonly #known = new Map<string, KnownClient>();
	/** Counts forgettings; a client read before one of them is not kept after it. */
	#generation = 0;

	constructor(database: Queryable, keys: EncryptionKeys, listener: DatabaseListener) {
		this.#database = database;
		this.#keys = keys;
		this.#listener = listener;
		listener.on("client_changed", (client_id) => this.#forget(client_id));
		listener.on("connected", () => this.#forgetAll());
		listener.on("disconnected", () => this.#forgetAll());
	}

	/**
	 * The client that owns the key if `proves` accepts it, else null. A refusal costs one read of the client and two proofs,
	 * whether the key exists or not; the read gives a salt that changed a moment ago its chance.
	 */
	async authenticate(client_key: string, proves: (client: KnownClient) => boolean): Promise<KnownClient | null> {
		const known = this.#known.get(client_key);
		const proven = proves(known ?? NOBODY);
		if (known !== undefined && proven) return known;
		const generation = this.#generation;
		const row = await findClientByKey(this.#database, client_key);
		const current = row === null ? NOBODY : row.client_salt === known?.sealed_salt ? known : this.#open(row);
		if (!proves(current) || current === NOBODY) return null;
		this.#keep(current, generation);
		return current;
	}

	#keep(client: KnownClient, generation: number): void {
		if (!this.#listener.connected || generation !== this.#generation) return;
		if (this.#known.size >= MOST_CLIENTS) this.#known.clear();
		this.#known.set(client.client_key, client);
	}

	#open(row: Client): KnownClient {
		const salt = decryptSecret(this.#keys, row.client_salt, { table: "clients", column: "client_salt", row: row.id });
		return {
			id: row.id,
			client_key: row.client_key,
			company_name: row.company_name,
			allow_plain_salt: row.allow_plain_salt,
			redirect_targets: new Set(row.redirect_urls.map(redirectTarget).filter((target) => target !== null)),
			sealed_salt: row.client_salt,
			signing_key: createSecretKey(Buffer.from(salt)),
			salt_digest: createHash("sha256").update(salt).digest(),
		};
	}

	#forget(client_id: string): void {
		this.#generation++;
		for (const [client_key, client] of this.#known) if (client.id === client_id) this.#known.delete(client_key);
	}

	#forgetAll(): void {
		this.#generation++;
		this.#known.clear();
	}
}

/** What must be equal for a redirect URL to count as registered; null when it is no URL to send a browser to. */
export function redirectTarget(text: string): string | null {
	const url = URL.parse(text);
	if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") return null;
	return url.origin + url.pathname;
}

export function isSignedBy(client: KnownClient, signed: readonly BinaryLike[], signature: Buffer): boolean {
	const hmac = createHmac("sha256", client.signing_key);
	for (const part of signed) hmac.update(part);
	return timingSafeEqual(hmac.digest(), signature);
}

export function isSaltOf(client: KnownClient, salt: string): boolean {
	return timingSafeEqual(client.salt_digest, createHash("sha256").update(salt).digest());
}
