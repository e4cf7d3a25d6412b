import {
	type BinaryLike,
	createHash,
	createHmac,
	createSecretKey,
	type KeyObject,
	randomBytes,
	timingSafeEqual,
} from "node:crypto";
import type { Queryable } from "../db/client/call.ts";
import { type Client, findClientByKey } from "../db/client/clients.ts";
import { DomainError } from "../db/client/errors.ts";
import { decryptSecret, type EncryptionKeys } from "../db/client/secrets.ts";
import { ClientCache } from "./client-cache.ts";
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
	/** By performance.now(); a pair that was replaced ends by itself, without word from the database. */
	valid_until: number;
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
	valid_until: Number.POSITIVE_INFINITY,
};

/** Merchants by client key, with their salts decrypted. */
export class ClientDirectory {
	readonly #database: Queryable;
	readonly #keys: EncryptionKeys;
	readonly #cache: ClientCache<KnownClient>;

	constructor(
		database: Queryable,
		keys: EncryptionKeys,
		listener: DatabaseListener,
		count: (result: "hit" | "miss") => void = () => {},
	) {
		this.#database = database;
		this.#keys = keys;
		this.#cache = new ClientCache(listener, ["client_changed"], ({ id }) => id, count);
	}

	/**
	 * The client that owns the key if `proves` accepts it, else null. A refusal costs one read of the client and two proofs,
	 * whether the key exists or not; the read gives a salt that changed a moment ago its chance.
	 */
	async authenticate(client_key: string, proves: (client: KnownClient) => boolean): Promise<KnownClient | null> {
		const cached = this.#cache.get(client_key);
		const known = cached !== undefined && cached.valid_until > performance.now() ? cached : undefined;
		const is_proven = proves(known ?? NOBODY);
		if (known !== undefined && is_proven) return known;
		const read = await this.#cache.read(client_key, async () => {
			const row = await findClientByKey(this.#database, client_key);
			if (row === null) return null;
			return row.client_salt === known?.sealed_salt ? known : this.#open(row);
		});
		return proves(read ?? NOBODY) ? read : null;
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
			valid_until: row.valid_seconds === null ? Number.POSITIVE_INFINITY : performance.now() + row.valid_seconds * 1000,
		};
	}
}

/** What must be equal for a redirect URL to count as registered; null when it is no URL to send a browser to. */
export function redirectTarget(text: string): string | null {
	const url = URL.parse(text);
	if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") return null;
	return url.origin + url.pathname;
}

/** Payers are only sent to addresses that the merchant registered; the query is free. */
export function registeredUrl(merchant: KnownClient, text: string): string {
	const target = redirectTarget(text);
	if (target === null || !merchant.redirect_targets.has(target)) {
		throw new DomainError("invalid_request", {
			message: "redirect_url must have the origin and path of a redirect URL that is registered for this merchant.",
			param: "redirect_url",
		});
	}
	return new URL(text).href;
}

export function isSignedBy(client: KnownClient, signed: readonly BinaryLike[], signature: Buffer): boolean {
	const hmac = createHmac("sha256", client.signing_key);
	for (const part of signed) hmac.update(part);
	return timingSafeEqual(hmac.digest(), signature);
}

export function isSaltOf(client: KnownClient, salt: string): boolean {
	return timingSafeEqual(client.salt_digest, createHash("sha256").update(salt).digest());
}
