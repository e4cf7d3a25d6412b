/** The studio's areas: what the navigation shows, and to whom. The routes behind them check again. */
import { POLICIES } from "../../../config/policies.ts";

export type AreaId =
	| "home"
	| "gateways"
	| "integration"
	| "queues"
	| "commission"
	| "reconciliation"
	| "checkout"
	| "notices"
	| "audit"
	| "alerts";

export interface Area {
	id: AreaId;
	icon: string;
	label: { en: string; hi: string };
	/** Administrators see everything. */
	policies: readonly string[];
}

const { operator, finance, support, auditor } = POLICIES;

export const AREAS: readonly Area[] = [
	{ id: "home", icon: "home", label: { en: "Home", hi: "मुखपृष्ठ" }, policies: [operator, finance, support, auditor] },
	{
		id: "alerts",
		icon: "notifications",
		label: { en: "Alerts", hi: "चेतावनियाँ" },
		policies: [operator, support, auditor],
	},
	{ id: "gateways", icon: "alt_route", label: { en: "Gateways", hi: "गेटवे" }, policies: [operator, support, auditor] },
	{
		id: "integration",
		icon: "integration_instructions",
		label: { en: "Integration", hi: "एकीकरण" },
		policies: [operator, support, auditor],
	},
	{
		id: "checkout",
		icon: "shopping_cart_checkout",
		label: { en: "Checkout", hi: "चेकआउट" },
		policies: [operator, auditor],
	},
	{
		id: "commission",
		icon: "percent",
		label: { en: "Commission", hi: "कमीशन" },
		policies: [operator, finance, auditor],
	},
	{
		id: "reconciliation",
		icon: "fact_check",
		label: { en: "Reconciliation", hi: "मिलान" },
		policies: [operator, finance, auditor],
	},
	{ id: "notices", icon: "chat", label: { en: "Notices", hi: "सूचनाएँ" }, policies: [operator, support, auditor] },
	{ id: "queues", icon: "stacks", label: { en: "Queues", hi: "कतारें" }, policies: [operator, auditor] },
	{ id: "audit", icon: "history", label: { en: "Audit log", hi: "लेखा-परीक्षा" }, policies: [auditor] },
];

export function areaOf(id: AreaId): Area {
	return AREAS.find((area) => area.id === id)!;
}
