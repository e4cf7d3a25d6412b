import { studioEvents } from "./events.ts";
import {
	type Collection,
	choice,
	identifier,
	json,
	label,
	nameOf,
	number,
	text,
	time,
	toOne,
	written,
} from "./fields.ts";

const alerts: Collection = {
	collection: "alerts",
	label: label("Alerts", "चेतावनियाँ"),
	singular: label("Alert", "चेतावनी"),
	icon: "notifications_active",
	note: "What needs a person. Acknowledge, resolve and silence them in the module Alerts.",
	folder: "oversight",
	template: "{{message}}",
	fields: [
		...written([
			choice("severity", label("Severity", "गंभीरता"), [
				["info", "Info", "blue"],
				["warning", "Warning", "amber"],
				["critical", "Critical", "red"],
			]),
		]),
		...written([
			choice("status", label("Status", "स्थिति"), [
				["open", "Open", "red"],
				["acknowledged", "Acknowledged", "amber"],
				["resolved", "Resolved", "green"],
			]),
			text("message", label("Message", "संदेश"), { width: "full" }),
			toOne("client_id", label("Client", "व्यापारी"), "{{company_name}}"),
			text("kind", label("Kind", "प्रकार"), { display: "formatted-value", displayOptions: { format: true } }),
			number("count", label("Times", "बार"), {}, ""),
			time("first_at", label("First", "पहली बार")),
			time("last_at", label("Last", "पिछली बार")),
			time("notified_at", label("Notified", "सूचित")),
			time("acknowledged_at", label("Acknowledged", "स्वीकार किया")),
			nameOf("acknowledged_by", label("Acknowledged by", "किसने स्वीकारा"), "directus_users", "email"),
			time("resolved_at", label("Resolved", "समाधान हुआ")),
			nameOf("resolved_by", label("Resolved by", "किसने सुलझाया"), "directus_users", "email"),
			text("note", label("Note", "टिप्पणी"), { width: "full" }),
			text("dedupe_key", label("Key", "कुंजी"), { options: { font: "monospace" } }),
			json("details", label("Details", "विवरण")),
			identifier(),
		]),
	],
	list: {
		fields: ["last_at", "severity", "message", "client_id", "count", "status"],
		sort: "-last_at",
		widths: { last_at: 150, severity: 120, message: 420, client_id: 180, count: 90, status: 150 },
		refreshSeconds: 10,
	},
	bookmarks: [
		{ name: "Open", icon: "notifications_active", color: "var(--theme--danger)", filter: { status: { _eq: "open" } } },
	],
};

const audit: Collection = {
	collection: "audit_log",
	label: label("Audit log", "लेखा-परीक्षा लॉग"),
	singular: label("Audit entry", "लेखा-परीक्षा प्रविष्टि"),
	icon: "policy",
	note: "Who changed what; nobody can change this",
	folder: "oversight",
	template: "{{action}} {{table_name}}",
	fields: written([
		time("created_at", label("When", "कब")),
		nameOf("actor", label("Who", "किसने"), "directus_users", "email"),
		text("action", label("Action", "क्रिया"), { display: "formatted-value", displayOptions: { format: true } }),
		text("table_name", label("Table", "तालिका"), { display: "formatted-value", displayOptions: { format: true } }),
		text("row_id", label("Row", "पंक्ति"), { options: { font: "monospace" } }),
		text("address", label("Address", "पता")),
		text("database_role", label("Database role", "डेटाबेस भूमिका")),
		identifier(),
		json("before", label("Before", "पहले"), { width: "half" }),
		json("after", label("After", "बाद में"), { width: "half" }),
	]),
	list: {
		fields: ["created_at", "actor", "action", "table_name", "row_id", "address"],
		sort: "-id",
		widths: { created_at: 150, actor: 240, action: 150, table_name: 170, row_id: 310, address: 130 },
		refreshSeconds: 30,
	},
	bookmarks: [
		{
			name: "Secrets",
			icon: "key",
			filter: { action: { _in: ["reveal_secrets", "regenerate_credentials", "end_credential_overlap"] } },
		},
	],
};

const changesByHand: Collection = {
	collection: "studio_drift",
	label: label("Changes by hand", "हाथ से किए बदलाव"),
	singular: label("Change by hand", "हाथ से किया बदलाव"),
	icon: "handyman",
	note: "What somebody changed in the studio's own configuration, and a start set back to what the code says",
	folder: "oversight",
	template: "{{table_name}} {{row_key}}",
	fields: written([
		time("found_at", label("Found", "कब मिला")),
		choice("kind", label("Kind", "प्रकार"), [
			["added", "Added", "blue"],
			["changed", "Changed", "amber"],
			["removed", "Removed", "red"],
		]),
		text("table_name", label("Table", "तालिका"), { options: { font: "monospace" } }),
		text("row_key", label("Row", "पंक्ति"), { options: { font: "monospace" } }),
		json("by_hand", label("By hand", "हाथ से"), { width: "half" }),
		json("by_code", label("By the code", "कोड से"), { width: "half" }),
		identifier(),
	]),
	list: {
		fields: ["found_at", "kind", "table_name", "row_key", "by_hand"],
		sort: "-id",
		widths: { found_at: 150, kind: 120, table_name: 200, row_key: 260, by_hand: 420 },
	},
};

export const oversight = [alerts, audit, changesByHand, studioEvents];
