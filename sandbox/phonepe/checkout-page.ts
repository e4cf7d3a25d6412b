import { Html, html, rupees } from "../html.ts";
import type { Page } from "../page.ts";
import { merchantIdOf } from "./api-views.ts";
import { DECLINES, declineOf } from "./errors.ts";
import type { Method, Order, Payment } from "./store.ts";

/** Long enough to read the tick, short enough not to wait for. */
const RETURN_AFTER_MS = 900;
const LOOK_AGAIN_MS = 5_000;

const METHOD_WORDS: Record<Method, { title: string; hint: string }> = {
	upi: { title: "UPI", hint: "Any UPI app" },
	card: { title: "Card", hint: "Credit or debit" },
	netbanking: { title: "Net banking", hint: "All Indian banks" },
};

const STYLE = new Html(`
.shell { max-width: 30rem; margin: 0 auto; padding: 2.5rem 1rem; }
.checkout { background: var(--card); border: 1px solid var(--line); border-radius: 18px; overflow: hidden; box-shadow: 0 18px 50px rgb(10 20 50 / .12); }
.head { background: #5f259f; color: #fff; padding: 1.25rem 1.5rem; display: grid; gap: .25rem; }
.head h1 { font-size: 1rem; font-weight: 600; overflow-wrap: anywhere; }
.head .amount { font-size: 2rem; font-weight: 700; letter-spacing: -.02em; line-height: 1.2; }
.head .soft { color: #e3d5f5; }
.main { padding: 1.5rem; display: grid; gap: 1rem; }
.main h2 { font-size: 1.1875rem; }
form { display: grid; gap: 1rem; }
fieldset { border: 0; margin: 0; padding: 0; display: grid; gap: .625rem; }
legend { padding: 0; margin-bottom: .625rem; font-size: 1.1875rem; font-weight: 700; }
.method { display: flex; align-items: center; gap: .75rem; border: 1px solid var(--line); border-radius: 12px; padding: .75rem 1rem; min-height: 56px; cursor: pointer; }
.method:has(:checked) { border-color: var(--brand); box-shadow: inset 0 0 0 1px var(--brand); }
.method input { accent-color: var(--brand); width: 20px; height: 20px; margin: 0; flex: none; }
.method small { display: block; color: var(--soft); font-size: .8125rem; }
.reason { display: grid; gap: .25rem; font-size: .875rem; color: var(--soft); }
select { font: inherit; color: var(--ink); background: var(--field); border: 1px solid var(--line); border-radius: 10px; padding: .5rem .75rem; min-height: 44px; width: 100%; }
.bank { border-top: 1px dashed var(--line); padding-top: 1rem; display: grid; gap: .75rem; }
.answers { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; }
.outcome { text-align: center; display: grid; gap: 1rem; justify-items: center; padding: .5rem 0; }
.outcome > :is(form, .button) { width: 100%; }
.badge { width: 72px; height: 72px; border-radius: 50%; display: grid; place-items: center; }
.badge.good { background: var(--good-ground); color: var(--good); }
.badge.warn { background: var(--warn-ground); color: var(--warn); }
.badge.bad { background: var(--bad-ground); color: var(--bad); }
dl { display: grid; gap: .375rem; font-size: .8125rem; border-top: 1px solid var(--line); padding-top: 1rem; }
dt { color: var(--soft); }
@media (max-width: 30rem) {
	.shell { padding: 0; }
	.checkout { border: 0; border-radius: 0; box-shadow: none; }
	.head { padding: 1rem; }
	.main { padding: 1.125rem 1rem 2rem; }
}
`);

const icon = (path: string) =>
	new Html(
		`<svg width="40" height="40" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${path}</svg>`,
	);
const TICK = icon('<path d="m5 12.5 4.5 4.5L19 7.5"/>');
const CLOCK = icon('<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3 2"/>');
const CROSS = icon('<path d="M7 7l10 10M17 7 7 17"/>');

function frame(order: Order, main: Html): Html {
	return html`<main class="shell"><div class="checkout">
<section class="head" aria-label="What you pay"><h1>PhonePe payment to ${merchantIdOf(order.api_key)}</h1>
	<p class="amount">${rupees(order.amount)}</p>${order.message !== null && html`<p class="small soft">${order.message}</p>`}</section>
<section class="main">${main}
<dl><div><dt>Order</dt><dd><code>${order.orderId}</code></dd></div><div><dt>Merchant's order</dt><dd><code>${order.merchantOrderId}</code></dd></div></dl>
</section></div></main>`;
}

/** What a bank would decide, left to the person at the screen. */
function bankAnswers(order: Order, withPending: boolean): Html {
	return html`<div class="bank"><p class="small soft">No bank can be asked here: answer for it yourself.</p>
	<div class="answers"><button class="primary" name="outcome" value="success">Approve ${rupees(order.amount)}</button>
	<button class="danger" name="outcome" value="failure">Decline</button></div>
	<label class="reason">When declined, the reason is
		<select name="reason">${Object.entries(DECLINES).map(([code, { label }]) => html`<option value="${code}">${label}</option>`)}</select></label>
	${withPending && html`<button class="quiet block" name="outcome" value="pending">Leave it undecided for now</button>`}</div>`;
}

const action = (order: Order, step: "pay" | "cancel") => `/phonepe/transact/v2/${step}?token=${order.pageToken}`;

export function choosePage(order: Order, failed: Payment | null): Page {
	const main = html`${
		failed &&
		html`<div class="note bad" role="alert" id="failure"><p><strong>The payment did not go through.</strong></p>
	<p class="small">${declineOf(failed.detailedErrorCode).description}</p></div>`
	}
<form method="post" action="${action(order, "pay")}">
	<fieldset><legend>${failed ? "Try again" : "How would you like to pay?"}</legend>
	${order.methods.map((method, index) => html`<label class="method"><input type="radio" name="method" value="${method}"${index === 0 && new Html(" checked")}><span>${METHOD_WORDS[method].title}<small>${METHOD_WORDS[method].hint}</small></span></label>`)}</fieldset>
	${bankAnswers(order, true)}
</form>
<form method="post" action="${action(order, "cancel")}"><button class="quiet block" id="cancel">Cancel and go back to the shop</button></form>`;
	return { title: "PhonePe payment", style: STYLE, body: frame(order, main) };
}

export function waitingPage(order: Order, payment: Payment): Page {
	const method = payment.paymentMode === "CARD" ? "card" : payment.paymentMode === "NET_BANKING" ? "netbanking" : "upi";
	const main = html`<div class="outcome" id="waiting"><span class="badge warn">${CLOCK}</span>
<h2>Waiting for the bank</h2><p class="soft">Payment <code>${payment.transactionId}</code> is neither approved nor declined.</p></div>
<form method="post" action="${action(order, "pay")}"><input type="hidden" name="method" value="${method}">${bankAnswers(order, false)}</form>
${order.redirectUrl !== null && html`<a class="button quiet block" href="${order.redirectUrl}">Go back to the shop</a>`}`;
	return {
		title: "Waiting for the bank",
		style: STYLE,
		body: frame(order, main),
		// Not while somebody is choosing the bank's answer.
		script: `setInterval(() => document.activeElement.tagName === "SELECT" || location.reload(), ${LOOK_AGAIN_MS});`,
	};
}

export function paidPage(order: Order): Page {
	const paid = order.payments.find(({ state }) => state === "COMPLETED")!;
	return outcomePage(
		order,
		"paid",
		html`<span class="badge good">${TICK}</span><h2>Payment successful</h2>
<p class="soft">${rupees(paid.amount)}, payment <code>${paid.transactionId}</code></p>`,
	);
}

export function closedPage(order: Order): Page {
	return outcomePage(
		order,
		"closed",
		html`<span class="badge bad">${CROSS}</span><h2>This order can no longer be paid</h2><p class="soft">${order.error?.description}</p>`,
	);
}

function outcomePage(order: Order, id: string, words: Html): Page {
	const { redirectUrl } = order;
	const main = html`<div class="outcome" id="${id}">${words}
${
	redirectUrl === null
		? html`<p class="soft">You may close this page.</p>`
		: html`<a class="button primary block" id="return" href="${redirectUrl}">Return to the shop</a>
	<p class="small soft" id="automatic" hidden>You are taken there automatically in a moment; if not, press the button.</p>`
}</div>`;
	return {
		title: "PhonePe payment",
		style: STYLE,
		body: frame(order, main),
		...(redirectUrl !== null && {
			script: `document.getElementById("automatic").hidden = false; setTimeout(() => location.replace(document.getElementById("return").href), ${RETURN_AFTER_MS});`,
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
