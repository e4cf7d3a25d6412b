/**
 * What happens to each payment of a storm. All of it follows from the seed and the payment's number, so a replay meets the
 * same plan; only the clock and the processes differ.
 */
import { createHash } from "node:crypto";

/** What the payer does. */
export const BEHAVIOURS = {
	pays: 16,
	"pays and returns": 10,
	"returns without a webhook": 8,
	"pays and nobody tells": 4,
	"webhook delayed": 5,
	"webhook duplicated": 5,
	"webhooks reordered": 5,
	"webhook forged": 4,
	"bank decides later": 4,
	"declined, then pays": 6,
	"declined, then elsewhere": 7,
	"leaves, then elsewhere": 3,
	"pays here and elsewhere": 4,
	"pays twice": 4,
	"declined for good": 3,
	leaves: 4,
	"never opens the page": 2,
	"pays late": 4,
	"pays late, nobody tells": 2,
	"pays another amount": 2,
	"pays another currency": 1,
} as const;
export type Behaviour = keyof typeof BEHAVIOURS;

/** What the payer does where the payment goes straight to a VPA. */
export const UPI_BEHAVIOURS = {
	"UPI: names the UTR": 6,
	"UPI: names nothing": 5,
	"UPI: names a wrong UTR": 3,
	"UPI: pays late": 3,
	"UPI: pays twice": 2,
	"UPI: pays another amount": 1,
	"UPI: leaves": 2,
	"UPI: pays elsewhere": 2,
} as const;
export type UpiBehaviour = keyof typeof UPI_BEHAVIOURS;

export const REFUNDS = {
	none: 74,
	whole: 7,
	part: 6,
	"two racing": 4,
	"one key, three times": 4,
	"more than was paid": 3,
	"in three parts": 2,
} as const;
export type RefundPlan = keyof typeof REFUNDS;

export const FAULTS = {
	none: 130,
	"429 with Retry-After": 3,
	"500": 3,
	"502 with a page": 2,
	"time-out before": 2,
	"time-out after": 2,
	"dropped request": 2,
	"dropped reply": 2,
	slow: 2,
	"token refused": 1,
	"merchant is down": 1,
} as const;
export type FaultKind = keyof typeof FAULTS;

/** As /_control/faults of the sandbox takes it. */
export interface Fault {
	service: string;
	kind: string;
	times: number;
	path?: string;
	status?: number;
	html?: boolean;
	retry_after?: number;
	delay_ms?: number;
}

export interface Plan {
	number: number;
	/** Which of the merchants, by index. */
	merchant: number;
	amount: number;
	method: "upi" | "card" | "netbanking";
	/** The merchant's server sends the request twice at once. */
	is_sent_twice: boolean;
	behaviour: Behaviour;
	upi: UpiBehaviour;
	refund: RefundPlan;
	/** Between 0 and 1: how much, where something of the amount is meant. */
	part: number;
	/** How long this payer thinks. */
	think_ms: number;
	webhook_delay_ms: number;
	copies: number;
	wrong_utr: string;
	/** What becomes of refunds that the PSP does not decide at once. */
	refund_outcome: "success" | "failure";
	fault_kind: FaultKind;
	fault: Fault | null;
}

const WITH_CALLS = ["razorpay", "payu", "cashfree", "phonepe", "stripe"] as const;

export interface PlanOptions {
	seed: number;
	merchants: number;
	/** Waits and time-outs longer than PSPs' clients have patience, as in the large storm. */
	is_long: boolean;
}

export function planPayment({ seed, merchants, is_long }: PlanOptions, number: number): Plan {
	const random = randomOf(`${seed}:${number}`);
	const between = (least: number, most: number) => least + Math.floor(random() * (most - least + 1));
	const plan = {
		number,
		merchant: between(0, merchants - 1),
		amount: between(100, 499_999),
		method: pick({ upi: 6, card: 3, netbanking: 1 }, random),
		is_sent_twice: random() < 0.03,
		behaviour: pick(BEHAVIOURS, random),
		upi: pick(UPI_BEHAVIOURS, random),
		refund: pick(REFUNDS, random),
		part: random(),
		think_ms: between(0, is_long ? 1_500 : 400),
		webhook_delay_ms: between(500, is_long ? 15_000 : 3_000),
		copies: between(1, 5),
		wrong_utr: String(between(100_000_000_000, 999_999_999_999)),
		refund_outcome: pick({ success: 5, failure: 1 }, random),
		fault_kind: pick(FAULTS, random),
	} satisfies Omit<Plan, "fault">;
	return { ...plan, fault: faultOf(plan.fault_kind, is_long, between) };
}

function faultOf(kind: FaultKind, is_long: boolean, between: (least: number, most: number) => number): Fault | null {
	const service = WITH_CALLS[between(0, WITH_CALLS.length - 1)]!;
	const times = between(1, 3);
	/** The adapters wait ten seconds for an answer; one time in four a PSP takes longer. */
	const hang_ms = is_long && between(1, 4) === 1 ? 11_000 : between(300, 1_500);
	switch (kind) {
		case "none":
			return null;
		case "429 with Retry-After":
			return { service, kind: "status", status: 429, retry_after: between(1, 3), times };
		case "500":
			return { service, kind: "status", status: 500, times };
		case "502 with a page":
			return { service, kind: "status", status: 502, html: true, times };
		case "time-out before":
			return { service, kind: "timeout", delay_ms: hang_ms, times };
		case "time-out after":
			return { service, kind: "drop_after_success", delay_ms: hang_ms, times };
		case "dropped request":
			return { service, kind: "drop_before", times };
		case "dropped reply":
			return { service, kind: "drop_after_success", times };
		case "slow":
			return { service, kind: "slow", delay_ms: hang_ms, times };
		case "token refused":
			// PhonePe's tokens can end before their time; a new one is then to be fetched.
			return { service: "phonepe", path: "/apis/pg", kind: "status", status: 401, times: 1 };
		case "merchant is down":
			return { service: "merchant", path: "/webhook", kind: "status", status: 503, retry_after: 1, times };
	}
}

function pick<Name extends string>(weights: Readonly<Record<Name, number>>, random: () => number): Name {
	const entries = Object.entries(weights) as [Name, number][];
	let left = random() * entries.reduce((sum, [, weight]) => sum + weight, 0);
	for (const [name, weight] of entries) {
		left -= weight;
		if (left < 0) return name;
	}
	return entries[0]![0];
}

/** The same numbers for the same text (mulberry32). */
function randomOf(text: string): () => number {
	let state = createHash("sha256").update(text).digest().readUInt32LE(0);
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
}
