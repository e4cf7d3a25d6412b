/**
 * Insights dashboards. They read the figures of closed hours (figures.ts) where a table grows with payments: a panel is asked
 * anew with every refresh. Directus does not translate their names, so these carry both languages.
 */
import { label } from "./fields.ts";

export interface Panel {
	id: string;
	name: string;
	icon: string;
	type: string;
	/** In squares of the grid, from 1. */
	position_x: number;
	position_y: number;
	width: number;
	height: number;
	options: object;
}

export interface Dashboard {
	id: string;
	name: string;
	icon: string;
	color: string;
	note: string;
	panels: Panel[];
}

type Placed = Omit<Panel, "id">;

const both = (en: string, hi: string): string => {
	const name = label(en, hi);
	return `${name.en} · ${name.hi}`;
};

/** Fixed, so that a dashboard is the same row everywhere: its number, and its panels in their order. */
function dashboard(no: number, about: Omit<Dashboard, "id" | "panels">, panels: Placed[]): Dashboard {
	return {
		id: `d0000000-0000-4000-8000-00000000000${no}`,
		...about,
		panels: panels.map((panel, at) => ({
			id: `d0000000-0000-4000-8${no}00-${String(at + 1).padStart(12, "0")}`,
			...panel,
		})),
	};
}

type Place = [x: number, y: number, width: number, height: number];

function place([position_x, position_y, width, height]: Place) {
	return { position_x, position_y, width, height };
}

/** Whole ones: a tile has room for a few crore. */
const RUPEES = { prefix: "₹", maximumFractionDigits: 0 };
const LAST_DAY = { hour: { _gte: "$NOW(-24 hours)" } };

/** One number over the last 24 hours, or of what is there now. */
function metric(
	name: string,
	icon: string,
	at: Place,
	options: {
		collection: string;
		field: string;
		function: "sum" | "avg" | "count";
		filter: object;
		[more: string]: unknown;
	},
): Placed {
	return { name, icon, type: "metric", ...place(at), options: { fontSize: "1.8125rem", fontWeight: 700, ...options } };
}

/** A sum over time. */
function curve(
	name: string,
	icon: string,
	at: Place,
	options: {
		collection: string;
		dateField: string;
		valueField: string;
		precision: "hour" | "day";
		range: string;
		function?: "sum" | "count";
		filter?: object;
		color?: string;
	},
): Placed {
	return {
		name,
		icon,
		type: "time-series",
		...place(at),
		options: {
			function: "sum",
			color: "var(--theme--primary)",
			fillType: "gradient",
			curveType: "straight",
			decimals: 0,
			min: 0,
			missingData: "0",
			showXAxis: true,
			showYAxis: true,
			...options,
		},
	};
}

function list(
	name: string,
	icon: string,
	at: Place,
	options: {
		collection: string;
		displayTemplate: string;
		sortField: string;
		sortDirection: "asc" | "desc";
		limit: number;
		filter?: object;
	},
): Placed {
	return { name, icon, type: "list", ...place(at), options: { linkToItem: false, filter: {}, ...options } };
}

function bars(
	name: string,
	icon: string,
	at: Place,
	options: {
		collection: string;
		xAxis: string;
		yAxis: string;
		function: "sum" | "count" | "avg";
		filter: object;
		color?: string;
	},
): Placed {
	return {
		name,
		icon,
		type: "bar-chart",
		...place(at),
		options: {
			horizontal: false,
			decimals: 0,
			color: "var(--theme--primary)",
			showAxisLabels: "both",
			showDataLabel: true,
			...options,
		},
	};
}

const payments = dashboard(
	1,
	{
		name: both("Payments", "भुगतान"),
		icon: "payments",
		color: "#0F766E",
		note: both(
			"Closed hours and the last minutes but one; Home is live.",
			"पूरे हो चुके घंटे और कुछ मिनट पहले तक; मुखपृष्ठ सीधा दिखता है।",
		),
	},
	[
		metric(both("Payments, 24 h", "भुगतान, 24 घं"), "payments", [1, 1, 15, 7], {
			collection: "payment_hours",
			field: "payments",
			function: "sum",
			filter: LAST_DAY,
		}),
		metric(both("Volume, 24 h", "राशि, 24 घं"), "currency_rupee", [16, 1, 15, 7], {
			collection: "payment_hours",
			field: "amount_rupees",
			function: "sum",
			filter: LAST_DAY,
			...RUPEES,
		}),
		metric(both("Failed attempts, 24 h", "असफल प्रयास, 24 घं"), "error", [31, 1, 15, 7], {
			collection: "payment_hours",
			field: "failed",
			function: "sum",
			filter: LAST_DAY,
		}),
		curve(both("Payments an hour, a week", "प्रति घंटा भुगतान, एक सप्ताह"), "show_chart", [1, 8, 45, 13], {
			collection: "payment_hours",
			dateField: "hour",
			valueField: "payments",
			precision: "hour",
			range: "1 week",
		}),
		curve(both("Rupees a day, 30 days", "प्रतिदिन रुपये, 30 दिन"), "currency_rupee", [1, 21, 30, 13], {
			collection: "payment_hours",
			dateField: "day",
			valueField: "amount_rupees",
			precision: "day",
			range: "30 days",
		}),
		bars(both("Payments by provider, 7 days", "प्रदाता, 7 दिन"), "bar_chart", [31, 21, 15, 13], {
			collection: "payment_hours",
			xAxis: "provider",
			yAxis: "payments",
			function: "sum",
			filter: { day: { _gte: "$NOW(-7 days)" } },
		}),
		list(both("Newest payments", "नवीनतम भुगतान"), "list", [1, 34, 45, 14], {
			collection: "transactions",
			displayTemplate: "{{status}} {{amount}} {{client_id.company_name}} {{order_id}}",
			sortField: "id",
			sortDirection: "desc",
			limit: 8,
		}),
	],
);

const gateways = dashboard(
	2,
	{
		name: both("Gateways", "गेटवे"),
		icon: "alt_route",
		color: "#2563EB",
		note: both("How providers do, and which gateways are in trouble.", "प्रदाता कैसे चल रहे हैं, और कौन से गेटवे मुश्किल में हैं।"),
	},
	[
		metric(both("Cooling down now", "अभी विराम पर"), "ac_unit", [1, 1, 15, 7], {
			collection: "gateway_states",
			field: "gateway_id",
			function: "count",
			filter: { cooldown_until: { _gt: "$NOW" } },
			conditionalFormatting: [{ operator: ">", value: 0, color: "var(--theme--warning)" }],
		}),
		metric(both("Below 50 % now", "अभी 50 % से नीचे"), "trending_down", [16, 1, 15, 7], {
			collection: "gateway_states",
			field: "gateway_id",
			function: "count",
			filter: { success_rate: { _lt: 50 } },
			conditionalFormatting: [{ operator: ">", value: 0, color: "var(--theme--danger)" }],
		}),
		metric(both("Cool-downs, 24 h", "विराम, 24 घं"), "history", [31, 1, 15, 7], {
			collection: "gateway_log",
			field: "id",
			function: "count",
			filter: { _and: [{ kind: { _eq: "cooled_down" } }, { created_at: { _gte: "$NOW(-24 hours)" } }] },
		}),
		bars(both("Success rate of the hours, 7 days", "घंटों की सफलता दर, 7 दिन"), "bar_chart", [1, 8, 22, 13], {
			collection: "payment_hours",
			xAxis: "provider",
			yAxis: "success_rate",
			function: "avg",
			filter: { day: { _gte: "$NOW(-7 days)" } },
			color: "var(--theme--success)",
		}),
		bars(both("Failed attempts, 24 h", "असफल प्रयास, 24 घं"), "error", [23, 8, 23, 13], {
			collection: "payment_hours",
			xAxis: "provider",
			yAxis: "failed",
			function: "sum",
			filter: LAST_DAY,
			color: "var(--theme--danger)",
		}),
		curve(both("Cool-downs an hour, a week", "प्रति घंटा विराम, एक सप्ताह"), "show_chart", [1, 21, 45, 12], {
			collection: "gateway_log",
			dateField: "created_at",
			valueField: "id",
			precision: "hour",
			range: "1 week",
			function: "count",
			filter: { kind: { _eq: "cooled_down" } },
			color: "var(--theme--warning)",
		}),
		list(both("Lowest success rates", "सबसे कम सफलता दर"), "trending_down", [1, 33, 45, 14], {
			collection: "gateway_states",
			displayTemplate: "{{success_rate}} % {{gateway_id.name}} {{gateway_id.client_id.company_name}}",
			sortField: "success_rate",
			sortDirection: "asc",
			limit: 8,
		}),
	],
);

const money = dashboard(
	3,
	{
		name: both("Money", "धन"),
		icon: "currency_rupee",
		color: "#B45309",
		note: both(
			"Commission as it was booked, who owes most, and refunds.",
			"दर्ज हुआ कमीशन, किस पर सबसे अधिक बकाया है, और रिफ़ंड।",
		),
	},
	[
		metric(both("Commission, 24 h", "कमीशन, 24 घं"), "percent", [1, 1, 15, 7], {
			collection: "commission_hours",
			field: "commission_rupees",
			function: "sum",
			filter: LAST_DAY,
			...RUPEES,
		}),
		metric(both("Commission, 30 days", "कमीशन, 30 दिन"), "percent", [16, 1, 15, 7], {
			collection: "commission_hours",
			field: "commission_rupees",
			function: "sum",
			filter: { day: { _gte: "$NOW(-30 days)" } },
			...RUPEES,
		}),
		metric(both("GST on it, 30 days", "उस पर जीएसटी, 30 दिन"), "account_balance", [31, 1, 15, 7], {
			collection: "commission_hours",
			field: "gst_rupees",
			function: "sum",
			filter: { day: { _gte: "$NOW(-30 days)" } },
			...RUPEES,
		}),
		curve(both("Commission a day, 30 days", "प्रतिदिन कमीशन, 30 दिन"), "show_chart", [1, 8, 45, 13], {
			collection: "commission_hours",
			dateField: "day",
			valueField: "commission_rupees",
			precision: "day",
			range: "30 days",
		}),
		list(both("Who owes most", "सबसे अधिक बकाया"), "account_balance_wallet", [1, 21, 22, 14], {
			collection: "wallets",
			displayTemplate: "{{balance_due}} {{client_id.company_name}}",
			sortField: "balance_due",
			sortDirection: "desc",
			limit: 8,
		}),
		list(both("Newest refunds", "नवीनतम रिफ़ंड"), "undo", [23, 21, 23, 14], {
			collection: "refunds",
			displayTemplate: "{{amount}} {{status}} {{transaction_id.order_id}}",
			sortField: "id",
			sortDirection: "desc",
			limit: 8,
		}),
	],
);

const notices = dashboard(
	4,
	{
		name: both("Notices", "सूचनाएँ"),
		icon: "chat",
		color: "#7C3AED",
		note: both(
			"What merchants and operators were told: webhooks, WhatsApp, alerts.",
			"व्यापारियों और ऑपरेटरों को क्या बताया गया: वेबहुक, व्हाट्सऐप, चेतावनियाँ।",
		),
	},
	[
		metric(both("Webhooks delivered, 24 h", "वेबहुक पहुँचे, 24 घं"), "webhook", [1, 1, 15, 7], {
			collection: "webhook_hours",
			field: "delivered",
			function: "sum",
			filter: LAST_DAY,
		}),
		metric(both("Webhooks failed, 24 h", "वेबहुक असफल, 24 घं"), "error", [16, 1, 15, 7], {
			collection: "webhook_hours",
			field: "failed",
			function: "sum",
			filter: LAST_DAY,
			conditionalFormatting: [{ operator: ">", value: 0, color: "var(--theme--warning)" }],
		}),
		metric(both("Open alerts", "खुली चेतावनियाँ"), "notifications_active", [31, 1, 15, 7], {
			collection: "alerts",
			field: "id",
			function: "count",
			filter: { status: { _eq: "open" } },
			conditionalFormatting: [{ operator: ">", value: 0, color: "var(--theme--danger)" }],
		}),
		curve(both("Webhooks delivered an hour, a week", "प्रति घंटा वेबहुक, एक सप्ताह"), "show_chart", [1, 8, 45, 12], {
			collection: "webhook_hours",
			dateField: "hour",
			valueField: "delivered",
			precision: "hour",
			range: "1 week",
		}),
		curve(both("WhatsApp messages a day, 30 days", "प्रतिदिन व्हाट्सऐप, 30 दिन"), "chat", [1, 20, 30, 12], {
			collection: "whatsapp_notifications",
			dateField: "created_at",
			valueField: "id",
			precision: "day",
			range: "30 days",
			function: "count",
		}),
		bars(both("WhatsApp by state, 7 days", "व्हाट्सऐप स्थिति, 7 दिन"), "bar_chart", [31, 20, 15, 12], {
			collection: "whatsapp_notifications",
			xAxis: "status",
			yAxis: "id",
			function: "count",
			filter: { created_at: { _gte: "$NOW(-7 days)" } },
		}),
		list(both("Newest alerts", "नवीनतम चेतावनियाँ"), "notifications", [1, 32, 45, 14], {
			collection: "alerts",
			displayTemplate: "{{severity}} {{status}} {{message}}",
			sortField: "last_at",
			sortDirection: "desc",
			limit: 8,
		}),
	],
);

export const dashboards = { payments, gateways, money, notices };
