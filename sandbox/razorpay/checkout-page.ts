import QRCode from "qrcode";
import { Html, html, rupees } from "../html.ts";
import type { Page } from "../page.ts";
import { DECLINES } from "./errors.ts";
import type { Method, Order, Payment } from "./store.ts";

export interface CheckoutSession {
	id: string;
	key_id: string;
	order_id: string;
	name: string;
	description: string | null;
	callback_url: string | null;
	cancel_url: string | null;
	/** Opened first. */
	method: Method;
	email: string | undefined;
	contact: string | undefined;
}

/** Takes the payer back to the merchant. */
export interface ReturnForm {
	action: string;
	fields: Record<string, string>;
}

const BANKS = {
	HDFC: "HDFC Bank",
	ICIC: "ICICI Bank",
	SBIN: "State Bank of India",
	UTIB: "Axis Bank",
	KKBK: "Kotak Mahindra Bank",
	PUNB: "Punjab National Bank",
};

/** Long enough to read the tick, short enough not to wait for. */
const RETURN_AFTER_MS = 900;
const LOOK_AGAIN_MS = 5_000;

const STYLE = new Html(`
.shell { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1rem; }
.checkout { display: grid; grid-template-columns: 19rem minmax(0, 1fr); background: var(--card); border: 1px solid var(--line);
	border-radius: 18px; overflow: hidden; box-shadow: 0 18px 50px rgb(10 20 50 / .12); }
.side { background: var(--side); color: var(--side-ink); padding: 1.75rem; display: flex; flex-direction: column; gap: 1.5rem; }
.merchant { display: flex; gap: .75rem; align-items: center; }
.initial { width: 44px; height: 44px; flex: none; border-radius: 12px; background: #fff; color: #10265f; font-weight: 700; font-size: 1.25rem; display: grid; place-items: center; }
.merchant h1 { font-size: 1.125rem; line-height: 1.25; overflow-wrap: anywhere; }
.amount { font-size: 2rem; font-weight: 700; letter-spacing: -.02em; line-height: 1.2; }
.side dl { display: grid; gap: .75rem; font-size: .875rem; }
.side dt, .side .soft { color: var(--side-soft); }
.side .end { margin-top: auto; }
.side a { color: var(--side-ink); }
.main { padding: 1.75rem; display: grid; gap: 1rem; align-content: start; }
.main > h2 { font-size: 1.1875rem; }
details { border: 1px solid var(--line); border-radius: 12px; }
summary { cursor: pointer; padding: .875rem 1rem; font-weight: 600; display: flex; align-items: center; gap: .75rem; list-style: none; min-height: 56px; }
summary::-webkit-details-marker { display: none; }
summary::after { content: ""; margin-left: auto; width: 9px; height: 9px; border: solid var(--soft); border-width: 0 2px 2px 0; transform: rotate(45deg) translate(-2px, -2px); }
details[open] > summary::after { transform: rotate(-135deg) translate(-2px, -2px); }
details[open] { border-color: var(--brand); box-shadow: inset 0 0 0 1px var(--brand); }
summary svg { flex: none; color: var(--brand); }
summary small { display: block; color: var(--soft); font-weight: 400; font-size: .8125rem; }
.panel { padding: .25rem 1rem 1rem; display: grid; gap: .875rem; }
.upi { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 1rem; align-items: center; }
.qr { background: #fff; border: 1px solid var(--line); border-radius: 12px; padding: 10px; width: 156px; height: 156px; }
.app { margin-top: .625rem; }
.qr svg { display: block; width: 100%; height: 100%; }
label { display: grid; gap: .25rem; font-size: .875rem; color: var(--soft); }
input, select { font: inherit; color: var(--ink); background: var(--field); border: 1px solid var(--line); border-radius: 10px; padding: .5rem .75rem; min-height: 44px; width: 100%; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; }
.bank { border-top: 1px dashed var(--line); padding-top: .875rem; display: grid; gap: .75rem; }
.answers { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; }
.outcome { text-align: center; display: grid; gap: 1rem; justify-items: center; padding: 1.5rem 0; }
.badge { width: 72px; height: 72px; border-radius: 50%; display: grid; place-items: center; }
.badge svg { width: 40px; height: 40px; }
.badge.good { background: var(--good-ground); color: var(--good); }
.badge.warn { background: var(--warn-ground); color: var(--warn); }
.outcome .button, .outcome button, .outcome form { width: 100%; max-width: 22rem; }
@media (max-width: 44rem) {
	.shell { padding: 0; }
	.checkout { grid-template-columns: minmax(0, 1fr); border: 0; border-radius: 0; box-shadow: none; }
	.side { padding: 1.125rem 1rem; gap: .875rem; }
	.side dl .extra { display: none; }
	.amount { font-size: 1.625rem; }
	.main { padding: 1.125rem 1rem 2rem; }
	.upi { grid-template-columns: minmax(0, 1fr); justify-items: center; text-align: center; }
}
`);

const icon = (path: string) =>
	new Html(
		`<svg width="24" height="24" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${path}</svg>`,
	);
const ICONS = {
	upi: icon('<path d="M6 2h12v20H6z"/><path d="M10 18h4M9.5 7l2.5 4 2.5-4"/>'),
	card: icon('<rect x="2" y="5" width="20" height="14" rx="2.5"/><path d="M2 10h20M6 15h4"/>'),
	netbanking: icon('<path d="M3 21h18M4 10h16L12 3zM6 10v8M10 10v8M14 10v8M18 10v8"/>'),
	tick: icon('<path d="m5 12.5 4.5 4.5L19 7.5"/>'),
	clock: icon('<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3 2"/>'),
};

/** Spaces must be %20: payment apps read a plus sign as a plus sign. */
function upiLink(session: CheckoutSession, order: Order): string {
	const params = {
		pa: "merchant.sandbox@lsp",
		pn: session.name,
		tr: order.id.replace("order_", "RZP"),
		tn: session.description ?? session.name,
		am: (order.amount / 100).toFixed(2),
		cu: order.currency,
		mc: "5411",
	};
	return `upi://pay?${Object.entries(params)
		.map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
		.join("&")}`;
}

function qrCode(text: string): Html {
	const { size, data } = QRCode.create(text, { errorCorrectionLevel: "L" }).modules;
	let path = "";
	for (let index = 0; index < data.length; index++) {
		if (data[index]) path += `M${index % size} ${Math.floor(index / size)}h1v1h-1z`;
	}
	return new Html(
		`<svg viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges" role="img" aria-label="UPI QR code"><path fill="#000" d="${path}"/></svg>`,
	);
}

function frame(session: CheckoutSession, order: Order, main: Html): Html {
	return html`<main class="shell"><div class="checkout">
<section class="side" aria-label="What you pay">
	<div class="merchant"><span class="initial" aria-hidden="true">${[...session.name][0]?.toUpperCase()}</span>
		<div><h1>${session.name}</h1>${session.description && html`<p class="small soft">${session.description}</p>`}</div></div>
	<div><p class="small soft">Amount to pay</p><p class="amount">${rupees(order.amount, order.currency)}</p></div>
	<dl>
		<div class="extra"><dt>Order</dt><dd><code>${order.id}</code></dd></div>
		${order.receipt !== null && html`<div class="extra"><dt>Receipt</dt><dd><code>${order.receipt}</code></dd></div>`}
	</dl>
	${order.status !== "paid" && session.cancel_url !== null && html`<p class="end small"><a id="cancel" href="${session.cancel_url}">Cancel and go back to ${session.name}</a></p>`}
</section>
<section class="main">${main}</section>
</div></main>`;
}

function hidden(fields: Record<string, string>): Html[] {
	return Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`);
}

/** What a bank would decide, left to the person at the screen. */
function bankAnswers(order: Order, legend: string, withPending: boolean): Html {
	return html`<div class="bank">
	<p class="small soft">${legend}</p>
	<div class="answers">
		<button class="primary" name="outcome" value="success">Approve ${rupees(order.amount, order.currency)}</button>
		<button class="danger" name="outcome" value="failure">Decline</button>
	</div>
	<label>When declined, the reason is
		<select name="reason">${Object.entries(DECLINES).map(([reason, { label }]) => html`<option value="${reason}">${label}</option>`)}</select></label>
	${withPending && html`<button class="quiet block" name="outcome" value="pending">Leave it undecided for now</button>`}
</div>`;
}

function methodPanel(
	session: CheckoutSession,
	method: Method,
	words: { title: string; hint: string },
	content: Html,
): Html {
	return html`<details name="method" data-method="${method}"${session.method === method && new Html(" open")}>
<summary>${ICONS[method]}<span>${words.title}<small>${words.hint}</small></span></summary>
<form class="panel" method="post" action="/razorpay/v1/checkout/embedded/${session.id}/pay">
	<input type="hidden" name="method" value="${method}">${content}</form></details>`;
}

export function choosePage(
	session: CheckoutSession,
	order: Order,
	failure: { payment: Payment; form: ReturnForm | null } | null,
): Page {
	const link = upiLink(session, order);
	const main = html`
${
	failure &&
	html`<div class="note bad" role="alert" id="failure"><p><strong>The payment did not go through.</strong></p>
	<p class="small">${failure.payment.error_description}</p></div>
	${failure.form && html`<form method="post" action="${failure.form.action}" id="return-failure">${hidden(failure.form.fields)}<button class="quiet block">Give up and return to ${session.name}</button></form>`}`
}
<h2>${failure ? "Try again" : "How would you like to pay?"}</h2>
${methodPanel(
	session,
	"upi",
	{ title: "UPI", hint: "Scan the code or open your app" },
	html`
	<div class="upi"><div class="qr">${qrCode(link)}</div>
	<div><p>Scan with any UPI app, or open one on this phone.</p><p class="app"><a class="button quiet" href="${link}">Open a UPI app</a></p></div></div>
	${bankAnswers(order, "No app can reach the sandbox: answer for the app and the bank yourself.", true)}`,
)}
${methodPanel(
	session,
	"card",
	{ title: "Card", hint: "Credit or debit, made-up numbers only" },
	html`
	<label>Card number<input name="card_number" value="4111 1111 1111 1111" inputmode="numeric" autocomplete="off" maxlength="23"></label>
	<div class="pair"><label>Expiry<input name="card_expiry" value="12/30" autocomplete="off" maxlength="7"></label>
	<label>CVV<input name="card_cvv" value="123" inputmode="numeric" autocomplete="off" maxlength="4"></label></div>
	${bankAnswers(order, "The bank would ask for a one-time password now: answer for it.", false)}`,
)}
${methodPanel(
	session,
	"netbanking",
	{ title: "Netbanking", hint: "All Indian banks" },
	html`
	<label>Bank<select name="bank">${Object.entries(BANKS).map(([code, name]) => html`<option value="${code}">${name}</option>`)}</select></label>
	${bankAnswers(order, "The bank's own page would open now: answer for it.", true)}`,
)}`;
	return { title: `Pay ${session.name}`, style: STYLE, body: frame(session, order, main) };
}

export function waitingPage(session: CheckoutSession, order: Order, payment: Payment): Page {
	const main = html`<div class="outcome" id="waiting"><span class="badge warn">${ICONS.clock}</span>
<h2>Waiting for the bank</h2><p class="soft">Payment <code>${payment.id}</code> is neither approved nor declined.</p>
<p><a href="/razorpay/v1/checkout/embedded/${session.id}">Look again</a></p></div>
<form class="panel" method="post" action="/razorpay/v1/checkout/embedded/${session.id}/pay">
	<input type="hidden" name="method" value="${payment.method}">
	${bankAnswers(order, "Decide it now:", false)}</form>`;
	return {
		title: "Waiting for the bank",
		style: STYLE,
		body: frame(session, order, main),
		// Not while somebody is choosing the bank's answer.
		script: `setInterval(() => document.activeElement.tagName === "SELECT" || location.reload(), ${LOOK_AGAIN_MS});`,
	};
}

export function outcomePage(session: CheckoutSession, order: Order, payment: Payment, form: ReturnForm | null): Page {
	const main = html`<div class="outcome" id="${payment.captured ? "paid" : "authorized"}"><span class="badge good">${ICONS.tick}</span>
<h2>${payment.captured ? "Payment successful" : "Payment authorised"}</h2>
<p class="soft">${rupees(payment.amount, payment.currency)} by ${payment.method === "upi" ? "UPI" : payment.method}, payment <code>${payment.id}</code></p>
${
	form
		? html`<form method="post" action="${form.action}" id="return">${hidden(form.fields)}<button class="primary block">Return to ${session.name}</button></form>
	<p class="small soft" id="automatic" hidden>You are taken there automatically in a moment; if not, press the button.</p>`
		: html`<p class="soft">You may close this page.</p>`
}</div>`;
	return {
		title: "Payment successful",
		style: STYLE,
		body: frame(session, order, main),
		...(form && {
			script: `document.getElementById("automatic").hidden = false; setTimeout(() => document.getElementById("return").submit(), ${RETURN_AFTER_MS});`,
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
