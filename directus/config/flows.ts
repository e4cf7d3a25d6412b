/**
 * Flows that come with the product: three automations that work as they are, and show how others are built. They are set back
 * to what is written here at each start, but for whether they are on; whoever wants them otherwise duplicates them.
 */
import type { EVENTS } from "./events.ts";
import { roles } from "./roles.ts";

export interface Flow {
	id: string;
	name: string;
	icon: string;
	color: string;
	description: string;
	/** One after the other; each runs when the one before went well. */
	operations: Operation[];
}

export interface Operation {
	id: string;
	key: string;
	name: string;
	/** An operation of Directus or of the extension. */
	type: string;
	options: object;
}

const only = (id: string, type: (typeof EVENTS)[number]["type"]): Operation => ({
	id,
	key: "only",
	name: "Only this event",
	type: "lightspeedpay-only-events",
	options: { types: [type] },
});

const when = (id: string, data: object): Operation => ({
	id,
	key: "when",
	name: "Only when",
	type: "condition",
	options: { filter: { $trigger: { payload: { data } } } },
});

export const flows: Flow[] = [
	{
		id: "f0000000-0000-4000-8000-000000000001",
		name: "Critical alert: tell administrators and operators · गंभीर चेतावनी: प्रशासकों और ऑपरेटरों को बताएँ",
		icon: "notifications_active",
		color: "#E35169",
		description:
			"Puts a note into the studio's bell (and mail, where set up) of every administrator and operator. · गंभीर चेतावनी पर प्रशासकों और ऑपरेटरों को सूचित करता है।",
		operations: [
			only("f1000000-0000-4000-8000-000000000011", "alert.raised"),
			when("f1000000-0000-4000-8000-000000000012", { severity: { _eq: "critical" } }),
			{
				id: "f1000000-0000-4000-8000-000000000013",
				key: "people",
				name: "Who is told",
				type: "item-read",
				options: {
					collection: "directus_users",
					permissions: "$full",
					query: {
						filter: { status: { _eq: "active" }, role: { _in: [roles.administrator.id, roles.operator.id] } },
						fields: ["id"],
						limit: 100,
					},
				},
			},
			{
				id: "f1000000-0000-4000-8000-000000000014",
				key: "ids",
				name: "Their ids",
				type: "exec",
				options: { code: "module.exports = ({ people }) => people.map(({ id }) => id);" },
			},
			{
				id: "f1000000-0000-4000-8000-000000000015",
				key: "tell",
				name: "Tell them",
				type: "notification",
				options: {
					recipient: "{{ids}}",
					permissions: "$full",
					subject: "Critical alert",
					message: "{{$trigger.payload.data.message}}",
					collection: "alerts",
					item: "{{$trigger.payload.data.alert_id}}",
				},
			},
		],
	},
	{
		id: "f0000000-0000-4000-8000-000000000002",
		name: "Large refund: raise an alert · बड़ा रिफ़ंड: चेतावनी उठाएँ",
		icon: "undo",
		color: "#FFA439",
		description:
			"An alert for each refund of ₹50,000 or more, so that somebody looks at it. · ₹50,000 या अधिक के हर रिफ़ंड पर चेतावनी उठाता है।",
		operations: [
			only("f1000000-0000-4000-8000-000000000021", "refund.succeeded"),
			// paise
			when("f1000000-0000-4000-8000-000000000022", { amount: { _gte: 5_000_000 } }),
			{
				id: "f1000000-0000-4000-8000-000000000023",
				key: "alert",
				name: "Raise an alert",
				type: "lightspeedpay-raise-alert",
				options: {
					severity: "warning",
					message:
						"A large refund was given: {{$trigger.payload.data.amount}} paise of order {{$trigger.payload.data.order_id}}.",
					client_id: "{{$trigger.payload.client_id}}",
					about: "transactions",
					about_id: "{{$trigger.payload.data.transaction_id}}",
					dedupe_key: "{{$trigger.payload.data.refund_id}}",
				},
			},
		],
	},
	{
		id: "f0000000-0000-4000-8000-000000000003",
		name: "Refused credentials: rest the gateway for an hour · पहचान ठुकराई: गेटवे को एक घंटे विराम",
		icon: "key_off",
		color: "#6644FF",
		description:
			"A provider that refuses a gateway's credentials will refuse the next payment too: it is left out for an hour, while somebody corrects them. · जिस गेटवे की पहचान प्रदाता ने ठुकराई, उसे एक घंटे आराम देता है।",
		operations: [
			only("f1000000-0000-4000-8000-000000000031", "gateway.cooled_down"),
			when("f1000000-0000-4000-8000-000000000032", { reason: { _eq: "authentication_failed" } }),
			{
				id: "f1000000-0000-4000-8000-000000000033",
				key: "pause",
				name: "Pause the gateway",
				type: "lightspeedpay-pause-gateway",
				options: {
					gateway_id: "{{$trigger.payload.data.gateway_id}}",
					minutes: 60,
					reason: "The provider refuses its credentials; correct them, then clear the cool-down.",
				},
			},
		],
	},
];

/** Rows of directus_flows and directus_operations, in Directus' shape. */
export function flowRows(): Record<string, unknown>[] {
	return flows.map(({ id, name, icon, color, description, operations }) => ({
		id,
		name,
		icon,
		color,
		description,
		status: "active",
		trigger: "event",
		accountability: "all",
		options: { type: "action", scope: ["items.create"], collections: ["studio_events"] },
		operation: operations[0]!.id,
	}));
}

export function operationRows(): Record<string, unknown>[] {
	return flows.flatMap(({ id: flow, operations }) =>
		operations.map(({ id, key, name, type, options }, at) => ({
			id,
			flow,
			key,
			name,
			type,
			options,
			position_x: 19 + at * 18,
			position_y: 1,
			resolve: operations[at + 1]?.id ?? null,
			reject: null,
		})),
	);
}
