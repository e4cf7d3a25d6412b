/** A merchant's endpoint for events, as the desk tells of it. */
export interface Endpoint {
	id: string;
	/** Its address stands on the client's page, and it signs with the client's webhook secret. */
	is_first: boolean;
	url: string;
	description: string | null;
	event_types: string[];
	disabled_at: string | null;
	disabled_because: "gone" | "failing" | "operator" | null;
	resting_until: string | null;
	failing_since: string | null;
	previous_secret_until: string | null;
	/** Due, and sent when the endpoint takes events again; up to 1,000 are counted. */
	waiting: number;
	/** Kept while it is disabled; up to 1,000 are counted. */
	held: number;
}

/** What merchants can be told, by family. */
export const EVENT_FAMILIES: Record<string, readonly string[]> = {
	payment: ["payment.paid", "payment.failed", "payment.expired"],
	refund: ["refund.succeeded", "refund.failed"],
	dispute: ["dispute.opened", "dispute.closed"],
	endpoint: ["endpoint.disabled"],
};
