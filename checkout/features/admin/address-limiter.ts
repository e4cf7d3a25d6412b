import { DomainError } from "../../../db/client/errors.ts";

const WINDOW_MS = 60_000;
/** More addresses than that in a minute are an attack; the oldest are forgotten first. */
const MOST_ADDRESSES = 10_000;

/** So many requests a minute from an address, in this process. */
export class AddressLimiter {
	readonly #most: number;
	readonly #seen = new Map<string, { count: number; since: number }>();

	constructor(most_a_minute: number) {
		this.#most = most_a_minute;
	}

	/** Counts one; throws rate_limited when it is too many. */
	count(address: string, now = performance.now()): void {
		let entry = this.#seen.get(address);
		if (entry === undefined || now - entry.since >= WINDOW_MS) {
			this.#seen.delete(address);
			entry = { count: 0, since: now };
			this.#seen.set(address, entry);
			if (this.#seen.size > MOST_ADDRESSES) this.#seen.delete(this.#seen.keys().next().value!);
		}
		entry.count += 1;
		this.#refuse(entry, now);
	}

	/** Throws when the address has used up its requests already. */
	check(address: string, now = performance.now()): void {
		const entry = this.#seen.get(address);
		if (entry !== undefined && now - entry.since < WINDOW_MS) this.#refuse({ ...entry, count: entry.count + 1 }, now);
	}

	#refuse({ count, since }: { count: number; since: number }, now: number): void {
		if (count <= this.#most) return;
		throw new DomainError("rate_limited", {
			message: "Too many requests from this address. Wait as long as Retry-After says.",
			retry_after_seconds: (since + WINDOW_MS - now) / 1000,
		});
	}
}
