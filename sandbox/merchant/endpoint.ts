import { createHmac, timingSafeEqual } from "node:crypto";
import { type Request, type Response, Router } from "express";
import { Webhook } from "standardwebhooks";
import { Html, html, rupees } from "../html.ts";
import { sendPage } from "../page.ts";
import { type Merchant, type Registry, slugOf } from "../registry.ts";
import { Ring } from "../ring.ts";

export interface MerchantEvent {
	/** webhook-id: the same on every retry. */
	id: string | null;
	type: string | null;
	body: unknown;
	/** Exactly what was received, to verify it once more. */
	raw: string;
	headers: Record<string, string>;
	verified: boolean;
	/** Whose secret verified it. */
	merchant: string | null;
	path: string;
	received_at: string;
}

const WEBHOOK_HEADERS = ["webhook-id", "webhook-timestamp", "webhook-signature"] as const;
const MAX_EVENTS = 5_000;

/** A merchant's side: the endpoint that is told about payments, and the page payers come back to. */
export class MerchantEndpoint {
	readonly router: Router = Router();
	readonly #registry: Registry;
	readonly #events = new Ring<MerchantEvent>(MAX_EVENTS);

	constructor(registry: Registry) {
		this.#registry = registry;
		this.router.post("/webhook{/:slug}", (req, res) => this.#receive(req, res));
		this.router.get("/return", (req, res) => this.#showResult(req, res));
	}

	/** Oldest first. */
	events(): MerchantEvent[] {
		return this.#events.list();
	}

	clearEvents(): void {
		this.#events.clear();
	}

	#receive(req: Request, res: Response): void {
		const raw = Buffer.isBuffer(req.body) ? req.body.toString("utf8") : "";
		const headers: Record<string, string> = {};
		for (const name of WEBHOOK_HEADERS) headers[name] = req.get(name) ?? "";
		const slug = req.params.slug as string | undefined;
		const known = slug === undefined ? undefined : this.#registry.findMerchant(slug);
		const candidates = known ? [known] : this.#registry.merchants();
		const merchant = candidates.find(({ webhook_secret }) => verifies(webhook_secret, raw, headers));
		const body = parseJson(raw);
		const type = (body as { type?: unknown } | null)?.type;
		this.#events.push({
			id: headers["webhook-id"] || null,
			type: typeof type === "string" ? type : null,
			body,
			raw,
			headers,
			verified: merchant !== undefined,
			merchant: merchant?.name ?? null,
			path: req.originalUrl,
			received_at: new Date().toISOString(),
		});
		// A merchant refuses what it cannot verify; where no secret is known there is nothing to verify with.
		if (known && !merchant) res.status(401).json({ received: false, error: "the signature does not verify" });
		else res.json({ received: true, verified: merchant !== undefined });
	}

	#showResult(req: Request, res: Response): void {
		const result = Object.fromEntries(
			["transaction_id", "order_id", "status", "amount", "timestamp", "signature"].map((name) => {
				const value = req.query[name];
				return [name, typeof value === "string" ? value : ""];
			}),
		);
		const salted = this.#registry.merchants().filter(({ client_salt }) => client_salt !== undefined);
		const signer = salted.find((merchant) => signed(merchant, result));
		sendPage(res, 200, resultPage(result, signer, salted.length > 0));
	}
}

function verifies(secret: string, raw: string, headers: Record<string, string>): boolean {
	try {
		new Webhook(secret).verify(raw, headers);
		return true;
	} catch {
		// standardwebhooks throws alike for a wrong signature, an old timestamp and a secret it cannot read.
		return false;
	}
}

function parseJson(raw: string): unknown {
	try {
		return JSON.parse(raw);
	} catch {
		return raw;
	}
}

function signed({ client_salt }: Merchant, result: Record<string, string>): boolean {
	const { timestamp, transaction_id, order_id, status, amount, signature = "" } = result;
	const expected = createHmac("sha256", client_salt!)
		.update(`${timestamp}.${transaction_id}.${order_id}.${status}.${amount}`)
		.digest();
	const given = Buffer.from(signature, "hex");
	return given.length === expected.length && timingSafeEqual(given, expected);
}

function resultPage(result: Record<string, string>, signer: Merchant | undefined, canVerify: boolean) {
	const heading =
		!signer && canVerify
			? "This result cannot be trusted"
			: result.status === "paid"
				? "Thank you, your order is paid"
				: `Your order is ${result.status || "not known"}`;
	const verdict = signer
		? html`<p class="note good" id="verdict" data-verified="true">The signature verifies with the salt of ${signer.name}: this result can be trusted.</p>`
		: canVerify
			? html`<p class="note bad" id="verdict" data-verified="false">The signature does not verify with the salt of any merchant: do not trust this result.</p>`
			: html`<p class="note warn" id="verdict" data-verified="unknown">No merchant's salt is registered here, so the signature was not checked.</p>`;
	return {
		title: "Back at the shop",
		style: new Html(`.narrow { max-width: 40rem; } th { width: 9rem; } .narrow h1 { font-size: 1.5rem; }`),
		body: html`<main class="wide narrow"><section class="card">
<p class="small soft">${signer?.name ?? "The merchant's shop"}</p>
<h1>${heading}</h1>
${/^\d+$/.test(result.amount ?? "") && html`<p class="soft">${rupees(Number(result.amount))}</p>`}
</section>
${verdict}
<section class="card scroll"><h2>What the browser brought</h2>
<table><tbody>${Object.entries(result).map(([name, value]) => html`<tr><th scope="row">${name}</th><td><code>${value || "–"}</code></td></tr>`)}</tbody></table>
</section>
<p class="small soft">A shop believes the signed webhook or asks the API; this page shows what reached the browser. Webhooks of ${signer ? html`<code>${slugOf(signer.name)}</code>` : "merchants"}: <a href="/_control/merchant/events">events received</a>.</p>
</main>`,
	};
}
