/**
 * The provider's token, which all workers share: kept in the database as ciphertext, renewed by one of them at a time. The
 * environment's token is where it begins; a renewed one takes its place until the environment gives another.
 */
import { createHash, randomUUID } from "node:crypto";
import type { Pool } from "pg";
import { decryptSecret, type EncryptionKeys, encryptSecret } from "../../db/client/secrets.ts";
import {
	claimWhatsappRenewal,
	readWhatsappToken,
	type StoredWhatsappToken,
	saveWhatsappToken,
} from "../../db/client/whatsapp.ts";
import type { RenewedToken, WhatsappAdapter } from "./adapter.ts";

export interface Token {
	value: string;
	/** 0: it is not kept yet. */
	generation: number;
}

interface KeptToken extends Token {
	id: string;
	expires_in_seconds: number | null;
}

export class TokenKeeper {
	readonly #database: Pool;
	readonly #keys: EncryptionKeys;
	readonly #adapter: WhatsappAdapter;
	readonly #origin: string;
	/** Of this process, so that thirty messages refused at once ask for one renewal. */
	#renewal: Promise<Token | null> | null = null;

	constructor(database: Pool, keys: EncryptionKeys, adapter: WhatsappAdapter) {
		this.#database = database;
		this.#keys = keys;
		this.#adapter = adapter;
		this.#origin = createHash("sha256").update(adapter.token.identity).digest("hex");
	}

	/** Null when none is to be had now. */
	async current(): Promise<Token | null> {
		const kept = await this.#read();
		const { renew_before_seconds, renew } = this.#adapter.token;
		if (kept === null) return this.#renewOnce(null);
		const { expires_in_seconds } = kept;
		if (renew !== null && expires_in_seconds !== null && expires_in_seconds < renew_before_seconds) {
			// It may still be good when no other one is to be had.
			return (await this.#renewOnce(kept)) ?? (expires_in_seconds > 0 ? kept : null);
		}
		return kept;
	}

	/** A newer one than that which was refused; null when none is to be had now. */
	async replace(refused: Token): Promise<Token | null> {
		const kept = await this.#read();
		if (kept !== null && kept.generation !== refused.generation) return kept;
		return this.#renewOnce(kept);
	}

	/** What is kept of the account in use; at first what the environment gives. Null: it gives none. */
	async #read(): Promise<KeptToken | null> {
		const { provider, token } = this.#adapter;
		let stored = await readWhatsappToken(this.#database, provider);
		if (stored?.origin !== this.#origin && token.initial !== null) {
			await this.#save({ token: token.initial, expires_in_seconds: null }, stored);
			stored = await readWhatsappToken(this.#database, provider);
		}
		if (stored === null || stored.origin !== this.#origin) return null;
		return {
			id: stored.id,
			value: decryptSecret(this.#keys, stored.token, placeOf(stored.id)),
			generation: stored.generation,
			expires_in_seconds: stored.expires_in_seconds,
		};
	}

	#renewOnce(kept: KeptToken | null): Promise<Token | null> {
		this.#renewal ??= this.#renew(kept).finally(() => {
			this.#renewal = null;
		});
		return this.#renewal;
	}

	async #renew(kept: KeptToken | null): Promise<Token | null> {
		const { provider, token } = this.#adapter;
		if (token.renew === null) return null;
		if (kept !== null && !(await claimWhatsappRenewal(this.#database, provider, kept.generation))) {
			const newer = await this.#read();
			return newer !== null && newer.generation > kept.generation ? newer : null;
		}
		const renewed = await token.renew(kept?.value ?? null);
		if (renewed === null) return null;
		await this.#save(renewed, kept ?? (await readWhatsappToken(this.#database, provider)));
		// Ours, or that of a worker who was faster.
		return this.#read();
	}

	async #save(renewed: RenewedToken, before: Pick<StoredWhatsappToken, "id" | "generation"> | null): Promise<void> {
		const id = before?.id ?? randomUUID();
		await saveWhatsappToken(this.#database, this.#adapter.provider, {
			id,
			token: encryptSecret(this.#keys, renewed.token, placeOf(id)),
			origin: this.#origin,
			generation: before?.generation ?? 0,
			expires_in_seconds: renewed.expires_in_seconds,
		});
	}
}

function placeOf(row: string) {
	return { table: "whatsapp_provider_tokens", column: "token", row };
}
