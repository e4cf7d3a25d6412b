import { Html, html, rupees } from "../html.ts";
import type { Page } from "../page.ts";
import { DECLINES } from "./declines.ts";
import type { Payment, StoredOrder } from "./store.ts";

/** Takes the payer back to the merchant. */
export interface ReturnForm {
	action: string;
	fields: Record<string, string>;
}

/** Long enough to read what happened, and after a failure to choose another way to pay. */
const RETURN_AFTER_MS = { paid: 1_200, failed: 5_000 };
const LOOK_AGAIN_MS = 5_000;

const STYLE = new Html(`
.shell { max-width: 30rem; margin: 0 auto; padding: 2.5rem 1rem; }
.pay { background: var(--card); border: 1px solid var(--line); border-radius: 16px; overflow: hidden; box-shadow: 0 14px 40px rgb(10 20 50 / .1); }
.head { background: var(--side); color: var(--side-ink); padding: 1.25rem 1.5rem; display: grid; gap: .25rem; }
.head h1 { font-size: 1rem; font-weight: 600; overflow-wrap: anywhere; }
.head .amount { font-size: 1.875rem; font-weight: 700; letter-spacing: -.02em; line-height: 1.2; }
.head .soft { color: var(--side-soft); overflow-wrap: anywhere; }
.main { padding: 1.5rem; display: grid; gap: 1.125rem; }
.main h2 { font-size: 1.125rem; }
.main p { text-wrap: balance; }
fieldset { border: 0; margin: 0; padding: 0; display: grid; gap: .5rem; min-width: 0; }
legend { padding: 0; margin-bottom: .5rem; font-weight: 600; font-size: 1.125rem; }
.choice { display: flex; align-items: center; gap: .75rem; min-height: 52px; padding: .5rem 1rem; border: 1px solid var(--line); border-radius: 12px; cursor: pointer; }
.choice:has(:checked) { border-color: var(--brand); box-shadow: inset 0 0 0 1px var(--brand); }
.choice input { width: 20px; height: 20px; margin: 0; flex: none; accent-color: var(--brand); }
.choice small { display: block; color: var(--soft); }
form { display: grid; gap: 1.125rem; margin: 0; }
.bank { border-top: 1px dashed var(--line); padding-top: 1rem; display: grid; gap: .75rem; }
.answers { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; }
.reason { display: grid; gap: .25rem; font-size: .875rem; color: var(--soft); }
select { font: inherit; color: var(--ink); background: var(--field); border: 1px solid var(--line); border-radius: 10px; padding: .5rem .75rem; min-height: 46px; width: 100%; }
.outcome { text-align: center; display: grid; gap: .875rem; justify-items: center; }
.outcome form { width: 100%; }
.badge { width: 68px; height: 68px; border-radius: 50%; display: grid; place-items: center; }
.badge.good { background: var(--good-ground); color: var(--good); }
.badge.bad { background: var(--bad-ground); color: var(--bad); }
.badge.warn { background: var(--warn-ground); color: var(--warn); }
@media (max-width: 30rem) {
	.shell { padding: 0; }
	.pay { border: 0; border-radius: 0; box-shadow: none; }
	.head, .main { padding-left: 1rem; padding-right: 1rem; }
}
`);

const icon = (path: string) =>
	new Html(
		`<svg width="36" height="36" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${path}</svg>`,
	);
const ICONS = {
	good: icon('<path d="m5 12.5 4.5 4.5L19 7.5"/>'),
	bad: icon('<path d="M6.5 6.5l11 11M17.5 6.5l-11 11"/>'),
	warn: icon('<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3 2"/>'),
};

const METHODS = {
	upi: { title: "UPI", hint: "Any UPI app on your phone" },
	card: { title: "Card", hint: "Credit or debit" },
	netbanking: { title: "Net banking", hint: "All Indian banks" },
};

function hidden(fields: Record<string, string>): Html[] {
	return Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`);
}

function frame(stored: StoredOrder, main: Html): Html {
	const { form, amount } = stored;
	return html`<main class="shell"><div class="pay">
<section class="head" aria-label="What you pay"><h1>${form.productinfo}</h1><p class="amount">${rupees(amount)}</p>
<p class="small soft">Transaction <code>${form.txnid}</code></p></section>
<section class="main">${main}</section></div></main>`;
}

function payForm(stored: StoredOrder, content: Html, method?: string): Html {
	const ids = { key: stored.api_key, txnid: stored.form.txnid!, ...(method === undefined ? {} : { method }) };
	return html`<form method="post" action="/payu/_payment_options">${hidden(ids)}${content}</form>`;
}

/** What a bank would decide, left to the person at the screen. */
function bankAnswers(stored: StoredOrder, words: string, with_pending: boolean): Html {
	return html`<div class="bank"><p class="small soft">${words}</p>
<div class="answers"><button class="primary" name="outcome" value="success">Approve ${rupees(stored.amount)}</button>
<button class="danger" name="outcome" value="failure">Decline</button></div>
<label class="reason">When declined, the reason is
	<select name="reason">${Object.entries(DECLINES).map(([reason, { label }]) => html`<option value="${reason}">${label}</option>`)}</select></label>
${with_pending && html`<button class="quiet block" name="outcome" value="pending">Leave it undecided for now</button>`}</div>`;
}

const modes: Record<string, string> = { upi: "upi", creditcard: "card", debitcard: "card", netbanking: "netbanking" };

export function choosePage(stored: StoredOrder): Page {
	const wanted = modes[stored.form.enforce_paymethod?.split("|")[0] ?? "upi"] ?? "upi";
	const choices = Object.entries(METHODS).map(
		([name, { title, hint }]) =>
			html`<label class="choice"><input type="radio" name="method" value="${name}"${name === wanted && new Html(" checked")}><span>${title}<small>${hint}</small></span></label>`,
	);
	const main = html`${payForm(
		stored,
		html`<fieldset><legend>How would you like to pay?</legend>${choices}</fieldset>
${bankAnswers(stored, "No bank can be reached from the sandbox: answer for it.", true)}`,
	)}
${payForm(stored, html`<input type="hidden" name="reason" value="user_cancelled"><button class="quiet block" id="leave" name="outcome" value="failure">Cancel and go back</button>`, "upi")}`;
	return { title: "Pay with PayU", style: STYLE, body: frame(stored, main) };
}

export function waitingPage(stored: StoredOrder, payment: Payment, { action, fields }: ReturnForm): Page {
	const method = { UPI: "upi", CC: "card", NB: "netbanking" }[payment.mode];
	const main = html`<div class="outcome" id="waiting"><span class="badge warn">${ICONS.warn}</span>
<h2>Waiting for the bank</h2><p class="soft">Payment <code>${payment.mihpayid}</code> is neither approved nor declined.</p></div>
${payForm(stored, bankAnswers(stored, "Decide it now:", false), method)}
<form method="post" action="${action}" id="return">${hidden(fields)}<button class="quiet block">Go back without waiting</button></form>`;
	return {
		title: "Waiting for the bank",
		style: STYLE,
		body: frame(stored, main),
		// Not while somebody is choosing the bank's answer.
		script: `setInterval(() => document.activeElement.tagName === "SELECT" || location.reload(), ${LOOK_AGAIN_MS});`,
	};
}

export function outcomePage(stored: StoredOrder, payment: Payment, { action, fields }: ReturnForm): Page {
	const is_paid = payment.status === "success";
	const title = !is_paid
		? "Payment failed"
		: payment.unmappedstatus === "auth"
			? "Payment authorised"
			: "Payment successful";
	const again = `/payu/_payment_options?${new URLSearchParams({ key: stored.api_key, txnid: stored.form.txnid!, again: "1" })}`;
	const main = html`<div class="outcome" id="${is_paid ? "paid" : "failed"}"><span class="badge ${is_paid ? "good" : "bad"}">${is_paid ? ICONS.good : ICONS.bad}</span>
<h2>${title}</h2><p class="soft">${is_paid ? html`${rupees(payment.amount)}, payment <code>${payment.mihpayid}</code>` : payment.error_Message}</p>
<form method="post" action="${action}" id="return">${hidden(fields)}<button class="primary block">Return to the shop</button></form>
<p class="small soft" id="automatic" hidden>You are taken there automatically in a moment; if not, press the button.</p>
${!is_paid && html`<p class="small"><a href="${again}">Pay in another way</a></p>`}</div>`;
	return {
		title,
		style: STYLE,
		body: frame(stored, main),
		script: `document.getElementById("automatic").hidden = false; setTimeout(() => document.getElementById("return").submit(), ${RETURN_AFTER_MS[is_paid ? "paid" : "failed"]});`,
	};
}

export function problemPage(message: string): Page {
	return {
		title: "Payment cannot be opened",
		style: STYLE,
		body: html`<main class="wide"><section class="card"><h2>This payment cannot be opened</h2><p>${message}</p></section></main>`,
	};
}
