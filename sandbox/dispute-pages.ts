import { Router } from "express";
import { type Dispute, type DisputeInstruction, disputeInstructionSchema, isOpen } from "./disputes.ts";
import { Html, html, rupees } from "./html.ts";
import { type Page, sendPage } from "./page.ts";
import type { OrderSummary, SandboxProvider } from "./provider.ts";

const STYLE =
	new Html(`.narrow { max-width: 46rem; } .head { display: flex; flex-wrap: wrap; gap: .25rem .75rem; align-items: baseline; }
.head .soft { margin-left: auto; } article p { margin-top: .375rem; }
form { display: flex; flex-wrap: wrap; gap: .5rem .75rem; align-items: end; margin-top: .75rem; } form button { min-height: 42px; padding: .25rem .875rem; font-size: .875rem; }
label { display: grid; gap: .125rem; font-size: .8125rem; color: var(--soft); } label > * { font: inherit; font-size: 1rem; min-height: 42px; padding: .25rem .5rem; width: 11rem;
	border: 1px solid var(--line); border-radius: 8px; background: var(--field); color: var(--ink); }
.pill.won { background: var(--good-ground); color: var(--good); } .pill.lost { background: var(--bad-ground); color: var(--bad); }
.pill.opened, .pill.under_review { background: var(--warn-ground); color: var(--warn); }`);

const SHOWN = 50;
/** Newest orders of a provider among which paid ones are looked for. */
const SEARCHED = 500;
const TIME = new Intl.DateTimeFormat("en-IN", { timeZone: "Asia/Kolkata", dateStyle: "medium", timeStyle: "short" });
const PHASES: Record<Dispute["phase"], string> = {
	chargeback: "Chargeback",
	pre_arbitration: "Pre-arbitration",
	arbitration: "Arbitration",
};
const STATES: Record<Dispute["state"], string> = {
	opened: "opened",
	under_review: "under review",
	won: "won by the merchant",
	lost: "lost by the merchant",
	closed: "closed",
};
const DECISIONS: [DisputeInstruction["outcome"], string][] = [
	["under_review", "Look at the merchant's evidence"],
	["won", "The merchant wins"],
	["lost", "The merchant loses"],
	["closed", "Close it"],
];

interface PaidOrder extends OrderSummary {
	provider: SandboxProvider;
}

function paidOrders(providers: SandboxProvider[]): PaidOrder[] {
	return providers
		.filter(({ dispute }) => dispute !== undefined)
		.flatMap((provider) => provider.recentOrders(SEARCHED).map((order) => ({ ...order, provider })))
		.filter(({ status }) => status === "paid")
		.sort((one, other) => other.created_at.getTime() - one.created_at.getTime())
		.slice(0, SHOWN);
}

function standing(dispute: Dispute): Html {
	const { state, phase, amount, currency, updated_at, respond_by } = dispute;
	return html`<p>${PHASES[phase]} of ${rupees(amount, currency)} <span class="pill ${state}">${STATES[state]}</span>
<span class="small soft">${isOpen(dispute) ? `answer by ${TIME.format(respond_by)}` : TIME.format(updated_at)}</span></p>`;
}

function acts(dispute: Dispute | undefined, amount: number): Html {
	if (dispute !== undefined && isOpen(dispute)) {
		return html`${DECISIONS.filter(([outcome]) => outcome !== dispute.state).map(([outcome, label]) => html`<button class="quiet" name="outcome" value="${outcome}">${label}</button>`)}`;
	}
	return html`<label>Phase<select name="phase">${Object.entries(PHASES).map(([phase, label]) => html`<option value="${phase}">${label}</option>`)}</select></label>
<label>Amount<input name="amount" type="number" inputmode="decimal" min="0.01" max="${amount / 100}" step="0.01" value="${amount / 100}" required></label>
<button class="danger" name="outcome" value="opened">Raise a dispute</button>`;
}

function orderCard({ provider, id, reference, amount, currency, created_at, dispute }: PaidOrder): Html {
	return html`<article class="card"><div class="head"><strong>${rupees(amount, currency)}</strong> ${provider.title}
<span class="soft small">${TIME.format(created_at)}</span></div>
<p class="small soft"><code>${id}</code>${reference !== null && html`, reference <code>${reference}</code>`}</p>
${dispute && standing(dispute)}
<form method="post" action="/disputes"><input type="hidden" name="provider" value="${provider.name}"><input type="hidden" name="order" value="${id}">${acts(dispute, amount)}</form></article>`;
}

function disputesPage(orders: PaidOrder[], problem: string | null): Page {
	return {
		title: "Disputes",
		style: STYLE,
		body: html`<main class="wide narrow"><header><h1>Disputes</h1>
<p class="soft">Payments that went through, newest first, as payers' banks may dispute them. <a href="/">All of the sandbox</a></p></header>
${problem !== null && html`<p class="note bad" role="alert">${problem}</p>`}
${orders.length === 0 && html`<p class="card soft">Nothing was paid yet at a provider that tells of disputes.</p>`}
${orders.map(orderCard)}</main>`,
	};
}

/** null: it can be done now. */
function decide(providers: SandboxProvider[], body: unknown): string | null {
	const form = new URLSearchParams(Buffer.isBuffer(body) ? body.toString("utf8") : "");
	const { provider: name, amount, ...said } = Object.fromEntries(form);
	const instruction = disputeInstructionSchema.safeParse({
		...said,
		...(amount !== undefined && { amount: Math.round(Number(amount) * 100) }),
	});
	if (!instruction.success) return "The form was not filled in as it must be.";
	const provider = providers.find((candidate) => candidate.name === name);
	const report = provider?.dispute?.(instruction.data) ?? { outcome: "not_found" };
	if (report.outcome === "not_found") return "There is no such payment any more.";
	return report.outcome === "not_open" ? "This dispute was decided meanwhile." : null;
}

/** Where a person is the payer's bank. */
export function createDisputePages(providers: SandboxProvider[]): Router {
	const router = Router();
	router.get("/", (_req, res) => {
		sendPage(res, 200, disputesPage(paidOrders(providers), null));
	});
	router.post("/", (req, res) => {
		const problem = decide(providers, req.body);
		if (problem === null) return res.redirect(303, "/disputes");
		sendPage(res, 409, disputesPage(paidOrders(providers), problem));
	});
	return router;
}
