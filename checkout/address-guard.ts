/**
 * How much one address may ask before anybody knows who it is, over all checkout processes, without a round trip a request:
 * each process counts for itself, once a second tells the database of the addresses that are worth telling of, and hears what all
 * counted together and who is blocked.
 *
 * Error: what a process has not told yet the others do not know. It tells of an address from the twentieth part of its limit on,
 * so with n processes at most (n − 1) × (limit / 20 + what one process lets through in a second, at most burst_per_second) more than the limit
 * gets in; a block reaches all of them within a second or so. While the database is away each process holds the limit by itself.
 *
 * Merchants that prove themselves have limits of their own (admit_request, initiate_payments), exact over all processes, and are taken off
 * this count. Addresses of private networks are never counted: there the proxy of a deployment that forgot TRUSTED_PROXIES
 * stands for all payers.
 */
import ipaddr from "ipaddr.js";
import { type AddressCount, type AddressNews, shareAddressUsage } from "../db/client/addresses.ts";
import type { Queryable } from "../db/client/call.ts";

const SHARE_MS = 1000;
/** Told of from this part of the limit on. */
const WORTH_TELLING = 1 / 20;
/** Beyond so many addresses a minute, those that asked little are forgotten. */
const MOST_ADDRESSES = 50_000;

interface Usage {
	/** By the database's clock; the first second of it, since 1970. */
	minute: number;
	/** Of this process and not told yet. */
	requests: number;
	authenticated: number;
	strikes: number;
	/** Of all processes, as last heard, this one's told part included. */
	known: number;
	second: number;
	in_second: number;
}

/** Null = it may come in. */
export interface Refusal {
	reason: "blocked" | "minute" | "burst";
	retry_after_seconds: number;
}

export class AddressGuard {
	readonly #database: Queryable;
	readonly #now: () => number;
	readonly #onError: (error: unknown) => void;
	readonly #usage = new Map<string, Usage>();
	/** Until when, by performance.now(). */
	#blocked = new Map<string, number>();
	#limits = { requests_per_minute: Number.POSITIVE_INFINITY, burst_per_second: Number.POSITIVE_INFINITY };
	#timer: NodeJS.Timeout | undefined;
	#sharing: Promise<void> = Promise.resolve();

	/** `now` is the database's time, so that all processes begin a minute together. */
	constructor(database: Queryable, now: () => number, onError: (error: unknown) => void) {
		this.#database = database;
		this.#now = now;
		this.#onError = onError;
	}

	start(): void {
		this.#timer = setTimeout(() => this.share().finally(() => this.start()), SHARE_MS);
		this.#timer.unref();
	}

	async stop(): Promise<void> {
		clearTimeout(this.#timer);
		await this.#sharing;
		clearTimeout(this.#timer);
	}

	/** Counts a request of the address, refused or not. */
	enter(address: string): Refusal | null {
		const until = this.#blocked.get(address);
		if (until !== undefined && until > performance.now()) {
			return { reason: "blocked", retry_after_seconds: Math.ceil((until - performance.now()) / 1000) };
		}
		const now = this.#now() / 1000;
		const usage = this.#usageOf(address, now);
		usage.requests++;
		const second = Math.floor(now);
		if (usage.second !== second) {
			usage.second = second;
			usage.in_second = 0;
		}
		usage.in_second++;
		if (usage.known + usage.requests > this.#limits.requests_per_minute) {
			return { reason: "minute", retry_after_seconds: Math.max(1, Math.ceil(usage.minute + 60 - now)) };
		}
		if (usage.in_second > this.#limits.burst_per_second) return { reason: "burst", retry_after_seconds: 1 };
		return null;
	}

	/** The request that was counted was a merchant's, who has limits of its own. */
	forgive(address: string): void {
		const usage = this.takeOff(address);
		if (usage !== undefined) usage.authenticated++;
	}

	/** The request that was counted is none that an address is held to. */
	takeOff(address: string): Usage | undefined {
		const usage = this.#usage.get(address);
		if (usage === undefined) return undefined;
		usage.requests--;
		usage.in_second--;
		return usage;
	}

	/** Its credentials were refused. */
	strike(address: string): void {
		this.#usageOf(address, this.#now() / 1000).strikes++;
	}

	/** Never rejects. */
	share(): Promise<void> {
		this.#sharing = this.#share().catch(this.#onError);
		return this.#sharing;
	}

	async #share(): Promise<void> {
		const told: AddressCount[] = [];
		const worth = this.#limits.requests_per_minute * WORTH_TELLING;
		const minute = minuteOf(this.#now() / 1000);
		for (const [address, usage] of this.#usage) {
			const is_worth = usage.strikes > 0 || usage.known + usage.requests >= worth;
			if (is_worth && (usage.requests !== 0 || usage.strikes > 0)) {
				const { requests, authenticated, strikes } = usage;
				told.push({ address, minute: usage.minute, requests, authenticated, strikes });
				usage.known += requests;
				usage.requests = usage.authenticated = usage.strikes = 0;
			} else if (usage.minute < minute) {
				this.#usage.delete(address);
			}
		}
		let news: AddressNews;
		try {
			news = await shareAddressUsage(this.#database, told);
		} catch (error) {
			this.#takeBack(told);
			throw error;
		}
		this.#limits = news;
		for (const { address, minute, requests } of news.totals) {
			const usage = this.#usage.get(address);
			if (usage !== undefined && usage.minute === minute) usage.known = requests;
		}
		this.#blocked = new Map(news.blocked.map(({ address, seconds }) => [address, performance.now() + seconds * 1000]));
	}

	/** What could not be told is told the next time. */
	#takeBack(told: readonly AddressCount[]): void {
		for (const { address, minute, requests, authenticated, strikes } of told) {
			const usage = this.#usage.get(address);
			if (usage === undefined || usage.minute !== minute) continue;
			usage.known -= requests;
			usage.requests += requests;
			usage.authenticated += authenticated;
			usage.strikes += strikes;
		}
	}

	#usageOf(address: string, now: number): Usage {
		const minute = minuteOf(now);
		const known = this.#usage.get(address);
		if (known !== undefined && known.minute === minute) return known;
		if (this.#usage.size >= MOST_ADDRESSES) this.#forgetQuiet();
		// Strikes that were not told yet go along.
		const { strikes = 0, authenticated = 0 } = known ?? {};
		const usage = { minute, requests: 0, authenticated, strikes, known: 0, second: 0, in_second: 0 };
		this.#usage.set(address, usage);
		return usage;
	}

	#forgetQuiet(): void {
		const worth = this.#limits.requests_per_minute * WORTH_TELLING;
		for (const [address, usage] of this.#usage) {
			if (usage.known + usage.requests < worth) this.#usage.delete(address);
		}
		if (this.#usage.size >= MOST_ADDRESSES) this.#usage.clear();
	}
}

function minuteOf(seconds: number): number {
	return Math.floor(seconds / 60) * 60;
}

/** What a request's address counts as: an IPv6 network of 64 bits is one; null = never counted. */
export function countedAddress(text: string | undefined): string | null {
	if (text === undefined || !ipaddr.isValid(text)) return null;
	const address = ipaddr.process(text);
	if (address.range() !== "unicast") return null;
	if (address.kind() === "ipv4") return address.toString();
	const parts = (address as ipaddr.IPv6).parts.map((part, index) => (index < 4 ? part : 0));
	return new ipaddr.IPv6(parts).toString();
}
