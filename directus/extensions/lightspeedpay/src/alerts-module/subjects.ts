/** What an alert may be about: the key in its details that names the row, and the collection with its page. */
export interface Subject {
	key: string;
	collection: string;
	label: { en: string; hi: string };
}

/** What is nearest to the trouble comes first. */
export const SUBJECTS: readonly Subject[] = [
	{ key: "dispute_id", collection: "disputes", label: { en: "Dispute", hi: "विवाद" } },
	{ key: "refund_id", collection: "refunds", label: { en: "Refund", hi: "रिफ़ंड" } },
	{ key: "attempt_id", collection: "payment_attempts", label: { en: "Attempt", hi: "प्रयास" } },
	{ key: "transaction_id", collection: "transactions", label: { en: "Payment", hi: "भुगतान" } },
	{ key: "gateway_id", collection: "payment_gateways", label: { en: "Gateway", hi: "गेटवे" } },
	{ key: "event_id", collection: "webhook_events", label: { en: "Webhook event", hi: "वेबहुक घटना" } },
	{ key: "gateway_event_id", collection: "gateway_events", label: { en: "Provider's webhook", hi: "प्रदाता का वेबहुक" } },
	{ key: "claim_id", collection: "utr_claims", label: { en: "UTR claim", hi: "यूटीआर दावा" } },
	{ key: "line_id", collection: "bank_statement_lines", label: { en: "Statement line", hi: "स्टेटमेंट पंक्ति" } },
	{ key: "payment_link_id", collection: "payment_links", label: { en: "Payment link", hi: "भुगतान लिंक" } },
	{ key: "studio_event_id", collection: "studio_events", label: { en: "Event", hi: "घटना" } },
	{ key: "client_id", collection: "clients", label: { en: "Client", hi: "व्यापारी" } },
];

export interface Link {
	/** Page of the studio. */
	to: string;
	/** Shown to whoever may read it. */
	collection: string;
	label: { en: string; hi: string };
}

/** Pages of the rows that an alert names; of its merchant last. */
export function linksOf(alert: { client_id: string | null; details: Record<string, unknown> }): Link[] {
	const links = SUBJECTS.flatMap(({ key, collection, label }) => {
		const id = key === "client_id" ? alert.client_id : alert.details[key];
		return typeof id === "string" ? [{ to: `/content/${collection}/${id}`, collection, label }] : [];
	});
	const flow = alert.details.flow_id;
	return typeof flow === "string"
		? [...links, { to: `/settings/flows/${flow}`, collection: "directus_flows", label: { en: "Flow", hi: "फ़्लो" } }]
		: links;
}
