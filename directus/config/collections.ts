import { type Collection, label } from "./fields.ts";
import { figures } from "./figures.ts";
import { merchants } from "./merchants.ts";
import { ledger } from "./money.ts";
import { notices } from "./notices.ts";
import { oversight } from "./oversight.ts";
import { payments } from "./payments.ts";
import { directUpi } from "./upi.ts";

/** Folders of the navigation; no tables. */
export const folders: Collection[] = [
	{ collection: "payments", label: label("Payments", "भुगतान"), icon: "payments" },
	{ collection: "direct_upi", label: label("Direct UPI", "सीधा यूपीआई"), icon: "qr_code_2" },
	{ collection: "merchants", label: label("Merchants", "व्यापारी"), icon: "store" },
	{ collection: "money", label: label("Commission", "कमीशन"), icon: "currency_rupee" },
	{ collection: "oversight", label: label("Oversight", "निगरानी"), icon: "visibility" },
];

export const collections: Collection[] = [
	...payments,
	...directUpi,
	...merchants,
	...ledger,
	...notices,
	...oversight,
	...figures,
];
