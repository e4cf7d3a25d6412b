import { randomAlphanumeric, randomDigits } from "../ids.ts";
import { type PayLink, readLink } from "./link.ts";

export interface Payer {
	name: string;
	vpa: string;
	bank: string;
	/** As the payee's bank prints it. */
	bank_code: string;
	ifsc: string;
}

/** The people whose phones the sandbox has. */
export const PAYERS: readonly [Payer, ...Payer[]] = [
	{ name: "Asha Rao", vpa: "asha.rao@okhdfcbank", bank: "HDFC Bank", bank_code: "HDFC", ifsc: "HDFC0000001" },
	{ name: "Ravi Kumar", vpa: "9000012345@ybl", bank: "State Bank of India", bank_code: "SBIN", ifsc: "SBIN0000001" },
	{ name: "Meera Nair", vpa: "meera-nair@okaxis", bank: "Axis Bank", bank_code: "UTIB", ifsc: "UTIB0000001" },
];

export interface Transfer {
	id: string;
	/** Twelve digits, also called RRN: both banks know the payment by it. */
	utr: string;
	/** pending: taken from the payer, and not yet with the payee. */
	status: "success" | "failure" | "pending";
	payer: Payer;
	link: PayLink;
	/** Integer paise. */
	amount: number;
	created_at: number;
	/** When the payee's bank booked it. */
	credited_at: number | null;
}

interface OpenedLink {
	link: PayLink;
	opened_at: number;
}

/** The payers' apps and the payees' banks. A link is known from when an app first opens it: nobody announces it. */
export class UpiStore {
	readonly #links = new Map<string, OpenedLink>();
	readonly #transfers = new Map<string, Transfer>();
	readonly #utrs = new Set<string>();
	readonly #capacity: number;

	constructor(capacity: number) {
		this.#capacity = capacity;
	}

	open(link: PayLink): PayLink {
		const key = link.reference ?? link.uri;
		const opened = this.#links.get(key);
		this.#links.delete(key);
		this.#links.set(key, { link, opened_at: opened?.opened_at ?? Date.now() });
		if (this.#links.size > this.#capacity) this.#links.delete(this.#links.keys().next().value!);
		return link;
	}

	/** By its reference, or by the link itself, which is opened by that. */
	search(order: string): PayLink | undefined {
		const reading = readLink(order);
		return reading.ok ? this.open(reading.link) : this.#links.get(order)?.link;
	}

	/** One that is pending is decided; otherwise the payer pays anew: a VPA takes the same link any number of times. */
	pay(link: PayLink, status: Transfer["status"], { amount, payer }: { amount: number; payer: Payer }): Transfer {
		const pending = this.transfersOf(link).find((transfer) => transfer.status === "pending");
		if (pending !== undefined) return this.decide(pending, status);
		const transfer: Transfer = {
			id: randomAlphanumeric(20),
			utr: this.#freshUtr(),
			status: "pending",
			payer,
			link,
			amount,
			created_at: Date.now(),
			credited_at: null,
		};
		this.#transfers.set(transfer.id, transfer);
		if (this.#transfers.size > this.#capacity) this.#transfers.delete(this.#transfers.keys().next().value!);
		return this.decide(transfer, status);
	}

	decide(transfer: Transfer, status: Transfer["status"]): Transfer {
		if (transfer.status !== "pending") return transfer;
		transfer.status = status;
		if (status === "success") transfer.credited_at = Date.now();
		return transfer;
	}

	transfer(id: string): Transfer | undefined {
		return this.#transfers.get(id);
	}

	transfersOf({ reference, uri }: PayLink): Transfer[] {
		return [...this.#transfers.values()].filter(({ link }) =>
			reference === null ? link.uri === uri : link.reference === reference,
		);
	}

	/** In the order of booking. */
	creditsOf(vpa: string): Transfer[] {
		return [...this.#transfers.values()]
			.filter(({ link, status }) => status === "success" && link.vpa === vpa)
			.sort((a, b) => a.credited_at! - b.credited_at!);
	}

	/** Newest first. */
	recentLinks(limit: number): OpenedLink[] {
		return [...this.#links.values()].slice(-limit).reverse();
	}

	/** Those that links were opened for, newest first. */
	recentVpas(limit: number): string[] {
		return [...new Set(this.recentLinks(this.#links.size).map(({ link }) => link.vpa))].slice(0, limit);
	}

	save(): Buffer {
		return Buffer.from(JSON.stringify({ links: [...this.#links], transfers: [...this.#transfers] }));
	}

	restore(saved: Buffer): void {
		const { links, transfers } = JSON.parse(saved.toString("utf8")) as {
			links: [string, OpenedLink][];
			transfers: [string, Transfer][];
		};
		for (const [key, opened] of links) this.#links.set(key, opened);
		for (const [id, transfer] of transfers) {
			this.#transfers.set(id, transfer);
			this.#utrs.add(transfer.utr);
		}
	}

	/** Last digit of the year, day of the year, and a number, as NPCI's are. */
	#freshUtr(): string {
		const today = indianDate(Date.now());
		const day_of_year = (Date.parse(today) - Date.parse(`${today.slice(0, 4)}-01-01`)) / 86_400_000 + 1;
		let utr: string;
		do utr = `${today[3]}${String(day_of_year).padStart(3, "0")}${randomDigits(8)}`;
		while (this.#utrs.has(utr));
		this.#utrs.add(utr);
		return utr;
	}
}

/** YYYY-MM-DD at the banks. */
export function indianDate(time: number): string {
	return new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Kolkata", dateStyle: "short" }).format(time);
}
