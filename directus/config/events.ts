/** What flows of the studio may listen to; the rows of the table studio_event_types. */
import { type Collection, identifier, json, type Label, label, text, time, toOne, written } from "./fields.ts";

export const EVENTS: { type: string; label: Label }[] = [
	{ type: "payment.paid", label: label("A payment is paid", "भुगतान सफल हुआ") },
	{ type: "payment.failed", label: label("A payment fails", "भुगतान विफल हुआ") },
	{ type: "payment.expired", label: label("A payment expires unpaid", "भुगतान की समय-सीमा बीत गई") },
	{ type: "refund.succeeded", label: label("A refund succeeds", "रिफ़ंड सफल हुआ") },
	{ type: "refund.failed", label: label("A refund fails", "रिफ़ंड विफल हुआ") },
	{ type: "dispute.opened", label: label("A payer disputes a payment", "भुगतान पर विवाद हुआ") },
	{ type: "dispute.closed", label: label("A dispute ends", "विवाद समाप्त हुआ") },
	{ type: "gateway.cooled_down", label: label("A gateway begins to cool down", "गेटवे कूल-डाउन में गया") },
	{ type: "gateway.returned", label: label("A gateway returns", "गेटवे लौट आया") },
	{ type: "client.suspended", label: label("A client is suspended or disabled", "व्यापारी निलंबित या बंद हुआ") },
	{ type: "client.activated", label: label("A client is active again", "व्यापारी फिर सक्रिय हुआ") },
	{ type: "endpoint.disabled", label: label("A webhook endpoint is disabled", "वेबहुक एंडपॉइंट बंद हुआ") },
	{ type: "alert.raised", label: label("An alert is raised", "चेतावनी उठी") },
];

export const studioEvents: Collection = {
	collection: "studio_events",
	label: label("Events", "घटनाएँ"),
	singular: label("Event", "घटना"),
	icon: "bolt",
	note: "What flows were told; kept for 30 days. Choose it in a flow's trigger: Event Hook, Action, items.create.",
	folder: "oversight",
	template: "{{type}}",
	fields: written([
		time("created_at", label("When", "कब")),
		text("type", label("Type", "प्रकार"), { options: { font: "monospace" } }),
		toOne("client_id", label("Client", "व्यापारी"), "{{company_name}}"),
		time("closed_at", label("All flows have run", "सभी फ़्लो चल चुके")),
		json("data", label("Data", "डेटा")),
		identifier(),
	]),
	list: {
		fields: ["created_at", "type", "client_id", "closed_at"],
		sort: "-id",
		widths: { created_at: 150, type: 200, client_id: 220, closed_at: 170 },
		refreshSeconds: 10,
	},
};
