import {
	type Collection,
	choice,
	identifier,
	label,
	money,
	nameOf,
	number,
	text,
	time,
	toOne,
	written,
} from "./fields.ts";

const wallets: Collection = {
	collection: "wallets",
	label: label("Wallets", "वॉलेट"),
	singular: label("Wallet", "वॉलेट"),
	icon: "account_balance_wallet",
	note: "Commission that merchants owe",
	folder: "money",
	template: "{{balance_due}}",
	fields: [
		nameOf("client_id", label("Client", "व्यापारी"), "clients", "company_name"),
		money("balance_due", label("Due", "बकाया"), { readonly: true }),
		money("warn_threshold", label("Warn when due reaches", "इतना बकाया होने पर चेतावनी"), {
			note: "Leave empty for never.",
		}),
		number("entry_count", label("Entries", "प्रविष्टियाँ"), {}, "", { readonly: true }),
		time("wa_last_sent", label("Last WhatsApp notice", "पिछली व्हाट्सऐप सूचना")),
		time("updated_at", label("Changed", "बदला गया")),
	],
	list: {
		fields: ["client_id", "balance_due", "warn_threshold", "entry_count", "updated_at"],
		sort: "-balance_due",
		widths: { client_id: 240, balance_due: 170, warn_threshold: 190, entry_count: 120, updated_at: 170 },
		refreshSeconds: 30,
	},
};

const entries: Collection = {
	collection: "wallet_entries",
	label: label("Wallet entries", "वॉलेट प्रविष्टियाँ"),
	singular: label("Wallet entry", "वॉलेट प्रविष्टि"),
	icon: "receipt_long",
	note: "Append-only: each with the balance after it",
	folder: "money",
	template: "{{type}} {{amount}}",
	fields: written([
		time("created_at", label("When", "कब")),
		nameOf("client_id", label("Client", "व्यापारी"), "clients", "company_name"),
		number("entry_no", label("Number", "क्रमांक"), {}, ""),
		choice("type", label("Type", "प्रकार"), [
			["COMMISSION", "Commission", "blue"],
			["COMMISSION_GST", "GST on commission", "purple"],
			["COMMISSION_REVERSAL", "Reversal", "amber"],
			["COMMISSION_GST_REVERSAL", "Reversal of GST", "amber"],
			["COMMISSION_PAYOUT", "Collected", "green"],
			["COMMISSION_SPLIT", "Split off by the provider", "green"],
			["COMMISSION_SPLIT_REVERSAL", "Split that did not come", "red"],
			["MANUAL_SETTLEMENT", "Settled by hand", "green"],
			["ADJUSTMENT", "Adjustment", "grey"],
			["DISPUTE_OPENED", "Dispute opened", "amber"],
			["DISPUTE_WON", "Dispute won", "green"],
			["DISPUTE_CLOSED", "Dispute closed", "grey"],
			["DISPUTE_LOST", "Dispute lost", "red"],
			["DISPUTE_LOST_GST", "GST of a lost dispute", "red"],
		]),
		money("amount", label("Amount", "राशि")),
		money("balance_after", label("Balance after", "इसके बाद शेष")),
		toOne("transaction_id", label("Transaction", "लेन-देन"), "{{order_id}}"),
		toOne("refund_id", label("Refund", "रिफ़ंड"), "{{amount}}"),
		toOne("dispute_id", label("Dispute", "विवाद"), "{{amount}}"),
		text("description", label("Description", "विवरण"), { width: "full" }),
		identifier(),
	]),
	list: {
		fields: ["created_at", "client_id", "type", "amount", "balance_after", "transaction_id"],
		sort: "-id",
		refreshSeconds: 30,
	},
	bookmarks: [
		{ name: "Commission", icon: "percent", filter: { type: { _eq: "COMMISSION" } } },
		{ name: "GST", icon: "account_balance", filter: { type: { _eq: "COMMISSION_GST" } } },
	],
};

export const ledger = [wallets, entries];
