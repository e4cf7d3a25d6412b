import { Html, html, rupees } from "../html.ts";
import type { Page } from "../page.ts";
import { DECLINES } from "./errors.ts";
import type { Method, Order, Payment } from "./store.ts";

/** Long enough to read the tick, short enough not to wait for. */
const RETURN_AFTER_MS = 900;
const LOOK_AGAIN_MS = 5_000;

const METHODS: Record<Method, { title: string; hint: string; group: RegExp }> = {
	upi: { title: "UPI", hint: "Any app, QR code or UPI id", group: /upi/ },
	card: { title: "Card", hint: "Credit or debit, ending in 1111", group: /cc|dc|ppc/ },
	netbanking: { title: "Netbanking", hint: "All Indian banks", group: /nb/ },
};

const STYLE = new Html(`
.shell { max-width: 32rem; margin: 0 auto; padding: 2rem 1rem 3rem; display: grid; gap: 1rem; }
.sum { background: var(--side); color: var(--side-ink); border-radius: 16px; padding: 1.25rem 1.5rem; display: grid; gap: .75rem; }
.sum .soft { color: var(--side-soft); }
.sum h1 { font-size: 1.0625rem; line-height: 1.3; overflow-wrap: anywhere; font-weight: 600; }
.amount { font-size: 2.125rem; font-weight: 700; letter-spacing: -.02em; line-height: 1.15; }
.choice { padding: 1.5rem; display: grid; gap: 1.25rem; }
.choice h2, .outcome h2 { margin: 0; font-size: 1.1875rem; }
fieldset { border: 0; margin: 0; padding: 0; display: grid; gap: .5rem; }
legend { padding: 0; margin-bottom: .625rem; font-weight: 600; }
.method { display: flex; align-items: center; gap: .875rem; border: 1px solid var(--line); border-radius: 12px; padding: .625rem 1rem; min-height: 60px; cursor: pointer; }
.method:has(:checked) { border-color: var(--brand); box-shadow: inset 0 0 0 1px var(--brand); }
.method input { width: 20px; height: 20px; margin: 0; flex: none; accent-color: var(--brand); }
.method small { display: block; color: var(--soft); font-size: .8125rem; }
.bank { border-top: 1px dashed var(--line); padding-top: 1.125rem; display: grid; gap: .75rem; }
.answers { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; }
.reason { display: grid; gap: .25rem; font-size: .875rem; color: var(--soft); }
select { font: inherit; color: var(--ink); background: var(--field); border: 1px solid var(--line); border-radius: 10px; padding: .5rem .75rem; min-height: 44px; width: 100%; }
.outcome { text-align: center; display: grid; gap: 1rem; justify-items: center; padding: 2rem 1.5rem; }
.badge { width: 68px; height: 68px; border-radius: 50%; display: grid; place-items: center; }
.badge svg { width: 36px; height: 36px; }
.badge.good { background: var(--good-ground); color: var(--good); }
.badge.warn { background: var(--warn-ground); color: var(--warn); }
.outcome .button { width: 100%; max-width: 20rem; }
@media (max-width: 30rem) { .shell { padding: 0 0 2rem; gap: 0; } .sum { border-radius: 0; padding: 1rem; } .shell > .card { border-radius: 0; border-width: 0 0 1px; padding: 1.25rem 1rem; } .amount { font-size: 1.75rem; } }
`);

const icon = (path: string) =>
	new Html(
		`<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${path}</svg>`,
	);
const TICK = icon('<path d="m5 12.5 4.5 4.5L19 7.5"/>');
const CLOCK = icon('<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3 2"/>');

const pathOf = ({ payment_session_id }: Order) => `/cashfree/pg/view/sessions/checkout/web/${payment_session_id}`;

function frame(order: Order, main: Html): Html {
	return html`<main class="shell">
<section class="sum" aria-label="What you pay">
	<h1>${order.note ?? "Payment"}</h1>
	<div><p class="small soft">Amount to pay</p><p class="amount">${rupees(order.amount, order.currency)}</p></div>
	<p class="small soft">Order <code>${order.order_id}</code></p>
</section>
${main}
</main>`;
}

/** What a bank would decide, left to the person at the screen. */
function bankAnswers(order: Order, legend: string, withPending: boolean): Html {
	return html`<div class="bank">
	<p class="small soft">${legend}</p>
	<div class="answers">
		<button class="primary" name="outcome" value="success">Approve ${rupees(order.amount, order.currency)}</button>
		<button class="danger" name="outcome" value="failure">Decline</button>
	</div>
	<label class="reason">When declined, the reason is
		<select name="reason">${Object.entries(DECLINES).map(([reason, { label }]) => html`<option value="${reason}">${label}</option>`)}</select></label>
	${withPending && html`<button class="quiet block" name="outcome" value="pending">Leave it undecided for now</button>`}
</div>`;
}

export function choosePage(order: Order, failure: Payment | null): Page {
	const allowed = (Object.keys(METHODS) as Method[]).filter(
		(method) => !order.payment_methods || METHODS[method].group.test(order.payment_methods),
	);
	const methods = allowed.length === 0 ? (["upi"] as const) : allowed;
	const main = html`
<form class="card choice" method="post" action="${pathOf(order)}/pay">
	${
		failure &&
		html`<div class="note bad" role="alert" id="failure"><p><strong>The payment did not go through.</strong></p>
	<p class="small">${failure.message}</p></div>`
	}
	<fieldset><legend>${failure ? "Try again" : "How would you like to pay?"}</legend>
	${methods.map(
		(
			method,
			index,
		) => html`<label class="method"><input type="radio" name="method" value="${method}"${index === 0 && new Html(" checked")}>
		<span>${METHODS[method].title}<small>${METHODS[method].hint}</small></span></label>`,
	)}</fieldset>
	${bankAnswers(order, "No app and no bank can reach the sandbox: answer for them yourself.", true)}
	<button class="quiet block" name="outcome" value="dropped">Leave without paying</button>
</form>`;
	return { title: "Pay with Cashfree", style: STYLE, body: frame(order, main) };
}

export function waitingPage(order: Order, payment: Payment): Page {
	const main = html`<form class="card choice" method="post" action="${pathOf(order)}/pay">
	<div class="outcome" id="waiting"><span class="badge warn">${CLOCK}</span><h2>Waiting for the bank</h2>
	<p class="soft">Payment <code>${payment.cf_payment_id}</code> is neither approved nor declined.</p>
	<p><a href="${pathOf(order)}">Look again</a></p></div>
	<input type="hidden" name="method" value="${payment.method}">
	${bankAnswers(order, "Decide it now:", false)}
	${order.return_url !== null && html`<a class="button quiet block" href="${returnUrlOf(order)}">Back to the merchant meanwhile</a>`}
</form>`;
	return {
		title: "Waiting for the bank",
		style: STYLE,
		body: frame(order, main),
		// Not while somebody is choosing the bank's answer.
		script: `setInterval(() => document.activeElement.tagName === "SELECT" || location.reload(), ${LOOK_AGAIN_MS});`,
	};
}

/** Cashfree puts the order's id where the merchant asked for it, and says nothing else of what happened. */
export function returnUrlOf({ return_url, order_id }: Order): string {
	return (return_url ?? "").replaceAll("{order_id}", order_id);
}

export function outcomePage(order: Order, payment: Payment): Page {
	const main = html`<section class="card outcome" id="paid"><span class="badge good">${TICK}</span>
<h2>${payment.is_captured ? "Payment successful" : "Payment authorised"}</h2>
<p class="soft">${rupees(payment.amount, payment.currency)} by ${METHODS[payment.method].title}, payment <code>${payment.cf_payment_id}</code></p>
${
	order.return_url === null
		? html`<p class="soft">You may close this page.</p>`
		: html`<a class="button primary" id="return" href="${returnUrlOf(order)}">Return to the merchant</a>
<p class="small soft" id="automatic" hidden>You are taken there automatically in a moment; if not, press the button.</p>`
}</section>`;
	return {
		title: "Payment successful",
		style: STYLE,
		body: frame(order, main),
		...(order.return_url !== null && {
			script: `document.getElementById("automatic").hidden = false; setTimeout(() => document.getElementById("return").click(), ${RETURN_AFTER_MS});`,
		}),
	};
}

export function problemPage(message: string): Page {
	return {
		title: "Payment cannot be opened",
		style: STYLE,
		body: html`<main class="wide"><section class="card"><h2>This payment cannot be opened</h2><p>${message}</p></section></main>`,
	};
}
