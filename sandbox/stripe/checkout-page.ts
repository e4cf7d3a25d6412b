import { Html, html, rupees } from "../html.ts";
import type { Page } from "../page.ts";
import { DECLINES } from "./errors.ts";
import type { Method, StoredOrder } from "./store.ts";

/** Long enough to read the tick, short enough not to wait for. */
const RETURN_AFTER_MS = 900;
const LOOK_AGAIN_MS = 5_000;

const STYLE = new Html(`
.shell { max-width: 58rem; margin: 0 auto; padding: 2.5rem 1rem; display: grid; gap: 1.5rem 3.5rem; grid-template-columns: minmax(0, 1fr) minmax(0, 1.1fr); align-items: start; }
.bought { display: grid; gap: 1.25rem; padding-top: .5rem; }
.bought .back { text-decoration: none; font-weight: 600; display: inline-flex; align-items: center; gap: .375rem; min-height: 44px; }
.bought h1 { font-size: 1rem; font-weight: 500; color: var(--soft); overflow-wrap: anywhere; }
.amount { font-size: 2.25rem; font-weight: 700; letter-spacing: -.02em; line-height: 1.15; margin-top: .25rem; }
.bought dl { display: grid; gap: .625rem; font-size: .875rem; border-top: 1px solid var(--line); padding-top: 1rem; }
.bought dl div { display: flex; justify-content: space-between; gap: 1.5rem; }
.bought dt { color: var(--soft); flex: none; }
.bought dd { text-align: right; min-width: 0; overflow-wrap: anywhere; }
.pay { display: grid; gap: 1rem; }
.pay > h2 { margin: 0; font-size: 1.1875rem; }
.methods { border: 1px solid var(--line); border-radius: 12px; margin: 0; padding: 0; overflow: hidden; }
.methods legend { padding: 0; float: left; width: 100%; font-size: .875rem; color: var(--soft); }
.methods label { display: flex; align-items: center; gap: .75rem; padding: .75rem 1rem; min-height: 52px; cursor: pointer; clear: both; }
.methods label + label { border-top: 1px solid var(--line); }
.methods input { accent-color: var(--brand); width: 18px; height: 18px; margin: 0; flex: none; }
.methods small { display: block; color: var(--soft); font-size: .8125rem; }
.reason { display: grid; gap: .25rem; font-size: .875rem; color: var(--soft); }
select { font: inherit; color: var(--ink); background: var(--field); border: 1px solid var(--line); border-radius: 10px; padding: .5rem .75rem; min-height: 46px; width: 100%; }
.bank { border-top: 1px dashed var(--line); padding-top: 1rem; display: grid; gap: .75rem; }
.answers { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; }
.pay .outcome h2 { margin: 0; }
.outcome { text-align: center; display: grid; gap: 1rem; justify-items: center; padding: 1rem 0; }
.problem { font-size: 1.0625rem; margin-bottom: .75rem; }
.badge { width: 72px; height: 72px; border-radius: 50%; display: grid; place-items: center; }
.badge svg { width: 40px; height: 40px; }
.badge.good { background: var(--good-ground); color: var(--good); }
.badge.warn { background: var(--warn-ground); color: var(--warn); }
@media (max-width: 44rem) {
	.shell { grid-template-columns: minmax(0, 1fr); padding: 1rem 1rem 2.5rem; }
	.bought { gap: .75rem; padding-top: 0; }
	.amount { font-size: 1.875rem; }
	.pay.card { border-radius: 12px; padding: 1rem; }
}
`);

const icon = (path: string) =>
	new Html(
		`<svg width="24" height="24" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${path}</svg>`,
	);
const TICK = icon('<path d="m5 12.5 4.5 4.5L19 7.5"/>');
const CLOCK = icon('<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3 2"/>');

const METHOD_WORDS: Record<Method, { title: string; hint: string }> = {
	card: { title: "Card", hint: "4242 4242 4242 4242, any date and code" },
	upi: { title: "UPI", hint: "Approved in the payer's app" },
	netbanking: { title: "Netbanking", hint: "The bank may decide later" },
};

function money({ session }: StoredOrder): string {
	return rupees(session.amount_total, session.currency.toUpperCase());
}

function frame(stored: StoredOrder, main: Html): Html {
	const { session, product } = stored;
	return html`<main class="shell">
<section class="bought" aria-label="What you pay">
	${session.status === "open" && session.cancel_url !== null && html`<p><a id="cancel" class="back" href="${session.cancel_url}"><span aria-hidden="true">←</span> Back to the shop</a></p>`}
	<div><h1>${product}</h1><p class="amount">${money(stored)}</p></div>
	<dl>
		${session.customer_email !== null && html`<div><dt>Email</dt><dd>${session.customer_email}</dd></div>`}
		${session.client_reference_id !== null && html`<div><dt>Reference</dt><dd><code>${session.client_reference_id}</code></dd></div>`}
		<div><dt>Session</dt><dd><code>${session.id.slice(0, 24)}…</code></dd></div>
	</dl>
</section>
<section class="pay card">${main}</section>
</main>`;
}

/** What a bank would decide, left to the person at the screen. */
function bankAnswers(stored: StoredOrder, legend: string, withPending: boolean): Html {
	return html`<div class="bank">
	<p class="small soft">${legend}</p>
	<div class="answers">
		<button class="primary" name="outcome" value="success">Pay ${money(stored)}</button>
		<button class="danger" name="outcome" value="failure">Decline</button>
	</div>
	<label class="reason">When declined, the reason is
		<select name="reason">${Object.entries(DECLINES).map(([reason, { label }]) => html`<option value="${reason}">${label}</option>`)}</select></label>
	${withPending && html`<button class="quiet block" name="outcome" value="pending">Leave it undecided for now</button>`}
</div>`;
}

export function choosePage(stored: StoredOrder): Page {
	const { session, intent } = stored;
	const failure = intent?.last_payment_error;
	const main = html`
${failure && html`<div class="note bad" role="alert" id="failure"><p>${String(failure.message)}</p></div>`}
<h2>${failure ? "Try again" : "Pay with"}</h2>
<form class="pay" method="post" action="/stripe/c/pay/${session.id}/pay">
	<fieldset class="methods" aria-label="Payment method">${session.payment_method_types.map(
		(
			method,
		) => html`<label><input type="radio" name="method" value="${method}"${method === stored.method && new Html(" checked")}>
		<span>${METHOD_WORDS[method].title}<small>${METHOD_WORDS[method].hint}</small></span></label>`,
	)}</fieldset>
	${bankAnswers(stored, "No bank can be reached from the sandbox: answer for it yourself.", true)}
</form>`;
	return { title: `Pay ${money(stored)}`, style: STYLE, body: frame(stored, main) };
}

export function waitingPage(stored: StoredOrder): Page {
	const { session } = stored;
	const main = html`<div class="outcome" id="waiting"><span class="badge warn">${CLOCK}</span>
<h2>Waiting for your approval</h2><p class="soft">The payment waits in the payer's app, neither approved nor declined.</p>
<p><a href="/stripe/c/pay/${session.id}">Look again</a></p></div>
<form class="pay" method="post" action="/stripe/c/pay/${session.id}/pay">
	<input type="hidden" name="method" value="${stored.method}">
	${bankAnswers(stored, "Decide it now:", false)}</form>`;
	return {
		title: "Waiting for your approval",
		style: STYLE,
		body: frame(stored, main),
		// Not while somebody is choosing the bank's answer.
		script: `setInterval(() => document.activeElement.tagName === "SELECT" || location.reload(), ${LOOK_AGAIN_MS});`,
	};
}

export function donePage(stored: StoredOrder, success_url: string): Page {
	const is_paid = stored.session.payment_status === "paid";
	const main = html`<div class="outcome" id="${is_paid ? "paid" : "processing"}">
<span class="badge ${is_paid ? "good" : "warn"}">${is_paid ? TICK : CLOCK}</span>
<h2>${is_paid ? "Payment successful" : "Payment is being processed"}</h2>
<p class="soft">${is_paid ? html`${money(stored)}, payment <code>${stored.session.payment_intent}</code>` : "The bank says later whether it pays."}</p>
<p class="block"><a class="button primary block" id="return" href="${success_url}">Return to the shop</a></p>
<p class="small soft" id="automatic" hidden>You are taken there automatically in a moment; if not, press the button.</p></div>`;
	return {
		title: is_paid ? "Payment successful" : "Payment is being processed",
		style: STYLE,
		body: frame(stored, main),
		script: `document.getElementById("automatic").hidden = false; setTimeout(() => location.assign(document.getElementById("return").href), ${RETURN_AFTER_MS});`,
	};
}

export function problemPage(message: string): Page {
	return {
		title: "Checkout cannot be opened",
		style: STYLE,
		body: html`<main class="wide"><section class="card"><h1 class="problem">This checkout cannot be opened</h1><p>${message}</p></section></main>`,
	};
}
