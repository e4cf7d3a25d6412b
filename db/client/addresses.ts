import { callValue, type Queryable } from "./call.ts";

export interface AddressCount {
	address: string;
	/** Its first second, since 1970. */
	minute: number;
	requests: number;
	/** Of them, those of a merchant that proved itself. */
	authenticated: number;
	/** Refused credentials. */
	strikes: number;
}

export interface AddressNews {
	requests_per_minute: number;
	burst_per_second: number;
	/** Of all processes. */
	totals: { address: string; minute: number; requests: number }[];
	blocked: { address: string; seconds: number }[];
}

/** Tells what this process counted since it last did, and hears of the others. */
export function shareAddressUsage(database: Queryable, counts: readonly AddressCount[]): Promise<AddressNews> {
	return callValue(database, "share_address_usage", "select public.share_address_usage($1) as value", [
		JSON.stringify(counts),
	]);
}
