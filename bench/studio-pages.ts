/** What the studio's pages ask their server for: the lists, their bookmarks, and the modules' own addresses. */
import type { Collection } from "../directus/config/fields.ts";
import { ROUTES } from "../directus/extensions/lightspeedpay/src/endpoint/routes.ts";

export interface Page {
	name: string;
	path: string;
}

/** Rows there are, to ask for: of the merchant with the longest history where that matters. */
export interface Samples {
	client: string;
	gateway: string;
	gateways: string;
	transaction: string;
	link: string;
	event: string;
	claim: string;
	line: string;
	message: string;
	alert: string;
	audit: string;
	/** Null where no report was brought in. */
	settlement: string | null;
	difference: string | null;
	order: string;
	/** The first day of the month before this one. */
	month: string;
	/** The id of an event in the middle of that merchant's, or of a short history the last. */
	middle: string;
}

export const SAMPLES = `
	with largest as (select client_id as id from public.wallets order by entry_count desc limit 1)
	select l.id as client,
		(select id from public.payment_gateways where client_id = l.id limit 1) as gateway,
		(select string_agg(id::text, ',') from (select id from public.payment_gateways limit 50) g) as gateways,
		(date_trunc('month', now()) - interval '1 month')::date::text as month, t.id as transaction, t.order_id as "order",
		(select id from public.payment_links limit 1) as link,
		(select id from public.webhook_events where client_id = l.id order by id desc limit 1) as event,
		(select id from public.utr_claims limit 1) as claim,
		(select id from public.bank_statement_lines limit 1) as line,
		(select id from public.whatsapp_notifications limit 1) as message,
		(select id from public.alerts order by last_at desc limit 1) as alert,
		(select id from public.audit_log order by id desc limit 1) as audit,
		(select id from public.settlements order by settled_on desc, id desc limit 1) as settlement,
		(select id from public.reconciliation_exceptions where status = 'open' order by id limit 1) as difference,
		coalesce((select id from public.webhook_events where client_id = l.id order by id offset 5000 limit 1),
			(select max(id::text)::uuid from public.webhook_events where client_id = l.id)) as middle
	from largest l
	cross join lateral (select id, order_id from public.transactions where client_id = l.id order by id desc limit 1) t`;

/** Answers by route; several where one serves different questions. A route without a line is a fault. */
const QUESTIONS: Record<string, (samples: Samples) => string[]> = {
	"get /areas": () => ["/areas"],
	"get /home": () => ["/home"],
	"get /clients/:id": ({ client }) => [`/clients/${client}`],
	"get /integration/clients": () => [
		"/integration/clients",
		"/integration/clients?search=narmada",
		"/integration/clients?search=nobody",
	],
	"get /clients/:id/webhooks": ({ client, order }) => [
		`/clients/${client}/webhooks`,
		`/clients/${client}/webhooks?which=failed`,
		`/clients/${client}/webhooks?order_id=${order}`,
	],
	"get /clients/:id/webhook-log": ({ client, middle }) => [
		`/clients/${client}/webhook-log?before=${middle}`,
		`/clients/${client}/webhook-log?before=${middle}&which=failed`,
	],
	"get /webhook-events/:id": ({ event }) => [`/webhook-events/${event}`],
	"get /webhook-endpoints/:id/replay-count": ({ client }) => [
		`/webhook-endpoints/${client}/replay-count?which=all`,
		`/webhook-endpoints/${client}/replay-count?which=failed`,
	],
	"get /clients/:id/webhook-test": ({ client }) => [`/clients/${client}/webhook-test`],
	"get /gateways/:id": ({ gateway }) => [`/gateways/${gateway}`],
	"get /clients/:id/routing": ({ client }) => [`/clients/${client}/routing?amount=49900`],
	"get /gateway-desk": ({ client }) => [
		"/gateway-desk",
		"/gateway-desk?show=attention",
		"/gateway-desk?show=cooling",
		"/gateway-desk?show=inactive",
		"/gateway-desk?search=tapti",
		"/gateway-desk?search=nobody",
		`/gateway-desk?client=${client}`,
	],
	"get /gateway-desk/figures": ({ gateways }) => [`/gateway-desk/figures?ids=${gateways}`],
	"get /gateway-desk/log": ({ client }) => ["/gateway-desk/log", `/gateway-desk/log?client=${client}`],
	"get /clients/:id/checkout-preview": ({ client }) => [`/clients/${client}/checkout-preview`],
	"get /reconciliation": ({ client, gateway }) => [
		"/reconciliation",
		"/reconciliation?kind=fee&days=3",
		`/reconciliation?client=${client}`,
		`/reconciliation?gateway=${gateway}&owner=nobody`,
		"/reconciliation?status=resolved",
	],
	"get /reconciliation-page": ({ audit }) => [`/reconciliation-page?after=${audit}`],
	"get /reconciliation-rights": () => ["/reconciliation-rights"],
	"get /reconciliation/:id": ({ difference }) => (difference === null ? [] : [`/reconciliation/${difference}`]),
	"get /settlements": ({ client, gateway }) => [
		"/settlements",
		"/settlements?search=nobody",
		`/settlements?client=${client}`,
		`/settlements?gateway=${gateway}`,
	],
	"get /settlements-page": ({ month, audit }) => [`/settlements-page?before_day=${month}&before_id=${audit}`],
	"get /settlements/:id": ({ settlement }) => (settlement === null ? [] : [`/settlements/${settlement}`]),
	"get /settlements/:id/lines": ({ settlement }) =>
		settlement === null ? [] : [`/settlements/${settlement}/lines`, `/settlements/${settlement}/lines?show=differing`],
	"get /settlement-gateways/:id": ({ gateway }) => [`/settlement-gateways/${gateway}`],
	"get /commission": () => [
		"/commission",
		"/commission?show=refused",
		"/commission?search=narmada",
		"/commission?search=nobody",
	],
	"get /commission-page": ({ client }) => [`/commission-page?after_balance=1000&after_id=${client}`],
	"get /commission-rights": () => ["/commission-rights"],
	"get /commission/:id": ({ client }) => [`/commission/${client}`],
	"get /commission/:id/collection": ({ client }) => [`/commission/${client}/collection`],
	"get /commission/:id/payouts": ({ client }) => [`/commission/${client}/payouts`],
	"get /commission/:id/entries": ({ client, month }) => [
		`/commission/${client}/entries`,
		`/commission/${client}/entries?month=${month}`,
		`/commission/${client}/entries?by_hand=true`,
	],
	"get /commission/:id/months": ({ client }) => [`/commission/${client}/months`],
	"get /commission/:id/invoices": ({ client }) => [`/commission/${client}/invoices`],
	"get /company-profile": () => ["/company-profile"],
	"get /alerts": ({ client }) => [
		"/alerts",
		"/alerts?status=open",
		"/alerts?status=resolved&severity=critical",
		`/alerts?client_id=${client}`,
		"/alerts?search=nobody",
	],
	"get /alerts/blocks": () => ["/alerts/blocks"],
	"get /alerts/limits": () => ["/alerts/limits"],
	"get /alerts/:id": ({ alert }) => [`/alerts/${alert}`],
	"get /audit": ({ client }) => [
		"/audit",
		"/audit?action=reveal_secrets",
		"/audit?actor=operator%207&action=pause_queue",
		`/audit?row=${client}`,
	],
	"get /audit/facets": () => ["/audit/facets"],
	"get /audit/:id": ({ audit }) => [`/audit/${audit}`],
	"get /transactions/:id/refunds": ({ transaction }) => [`/transactions/${transaction}/refunds`],
	"get /payment-links/:id": ({ link }) => [`/payment-links/${link}`],
	"get /utr-claims/:id": ({ claim }) => [`/utr-claims/${claim}`],
	"get /statement-lines/:id": ({ line }) => [`/statement-lines/${line}`],
	"get /sessions": () => ["/sessions"],
	"get /queues": () => ["/queues"],
	"get /queues/history": () => [
		"/queues/history?minutes=60",
		"/queues/history?minutes=1440",
		"/queues/history?minutes=1440&queue=queue_7",
	],
	"get /queues/:queue/jobs": () => ["/queues/deliver_webhook/jobs?state=dead"],
	"get /notices/state": () => ["/notices/state"],
	"get /notices/usage": () => ["/notices/usage"],
	"get /notices/messages": ({ client }) => [
		"/notices/messages",
		"/notices/messages?status=failed",
		"/notices/messages?status=unknown",
		"/notices/messages?cause=low_balance",
		`/notices/messages?client_id=${client}`,
	],
	"get /notices/messages/:id": ({ message }) => [`/notices/messages/${message}`],
	"get /notices/merchants/:id": ({ client }) => [`/notices/merchants/${client}`],
};

/** Files that somebody saves: they take as long as they are large. */
const DOWNLOADS = [
	"get /reconciliation-csv",
	"get /settlements/:id/lines-csv",
	"get /commission/:id/entries-csv",
	"get /commission/:id/invoice-lines-csv",
	"get /invoices/:id/pdf",
];

/** The lists with their counts, and each bookmark of them, as Directus' own pages ask. */
export function listPages(collections: readonly Collection[], keyOf: ReadonlyMap<string, string>): Page[] {
	return collections
		.filter(({ hidden, list }) => !hidden && list !== undefined)
		.flatMap(({ collection, list, bookmarks = [] }) =>
			[{ name: "", filter: null as object | null }, ...bookmarks].flatMap(({ name, filter }) => {
				const only = filter === null ? "" : `&filter=${encodeURIComponent(JSON.stringify({ _and: [filter] }))}`;
				const query = new URLSearchParams({ limit: "25", page: "1", sort: list!.sort });
				for (const field of list!.fields) query.append("fields[]", field);
				const title = name === "" ? collection : `${collection}: ${name}`;
				return [
					{ name: `list ${title}`, path: `/items/${collection}?${query}${only}` },
					{
						name: `count ${title}`,
						path: `/items/${collection}?aggregate[countDistinct]=${keyOf.get(collection)}${only}`,
					},
				];
			}),
		);
}

/** Every address of ours that answers to GET. Throws for one that nothing is known to ask. */
export function modulePages(samples: Samples): Page[] {
	const names = ROUTES.map(({ method, path }) => `${method} ${path}`);
	const pages = names.filter((name) => name.startsWith("get ") && !DOWNLOADS.includes(name));
	return pages.flatMap((page) => {
		const questions = QUESTIONS[page];
		if (questions === undefined) throw new Error(`bench/studio-pages.ts does not say what to ask of ${page}.`);
		return questions(samples).map((asked) => ({
			name: asked.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(,[^&]*)?/g, "…"),
			path: `/lightspeedpay${asked}`,
		}));
	});
}
