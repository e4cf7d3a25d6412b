import { Html, html, rupees } from "../html.ts";
import type { Page } from "../page.ts";
import type { PayLink } from "./link.ts";
import { BANKS, type Bank } from "./statement.ts";
import { PAYERS, type Transfer } from "./store.ts";

const STYLE = new Html(`
.phone { max-width: 27rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; display: grid; gap: 1rem; }
.phone h1 { font-size: 1.25rem; overflow-wrap: anywhere; }
.phone form { display: grid; gap: .875rem; }
.payee { text-align: center; display: grid; gap: .25rem; justify-items: center; }
.initial { width: 56px; height: 56px; border-radius: 50%; background: var(--side); color: var(--side-ink); font-weight: 700; font-size: 1.5rem; display: grid; place-items: center; margin-bottom: .25rem; }
.amount { font-size: 2.25rem; font-weight: 700; letter-spacing: -.02em; line-height: 1.25; text-align: center; }
.facts { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: .375rem 1rem; font-size: .9375rem; border-top: 1px solid var(--line); padding-top: .875rem; margin-top: .875rem; }
.facts dt { color: var(--soft); }
.facts dd { text-align: right; overflow-wrap: anywhere; }
.phone label { display: grid; gap: .25rem; font-size: .875rem; color: var(--soft); }
.phone input, .phone select, .phone textarea { font: inherit; color: var(--ink); background: var(--field); border: 1px solid var(--line); border-radius: 10px; padding: .5rem .75rem; min-height: 44px; width: 100%; }
.phone textarea { min-height: 6.5rem; overflow-wrap: anywhere; }
.result { text-align: center; display: grid; gap: .5rem; justify-items: center; }
.badge { width: 64px; height: 64px; border-radius: 50%; display: grid; place-items: center; }
.badge.good { background: var(--good-ground); color: var(--good); }
.badge.bad { background: var(--bad-ground); color: var(--bad); }
.badge.warn { background: var(--warn-ground); color: var(--warn); }
.utr { font-size: 1.375rem; font-weight: 700; letter-spacing: .08em; user-select: all; }
.links { list-style: none; padding: 0; display: grid; gap: .75rem; }
.links li { display: flex; flex-wrap: wrap; gap: .125rem .75rem; justify-content: space-between; }
.links .where { overflow-wrap: anywhere; }
.formats { display: flex; flex-wrap: wrap; gap: .25rem 1rem; }
`);

const icon = (path: string) =>
	new Html(
		`<svg width="34" height="34" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${path}</svg>`,
	);
const ICONS = {
	success: icon('<path d="m5 12.5 4.5 4.5L19 7.5"/>'),
	failure: icon('<path d="M6 6l12 12M18 6L6 18"/>'),
	pending: icon('<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3 2"/>'),
};

export function appPath(uri: string): string {
	return `/upi/app?uri=${encodeURIComponent(uri)}`;
}

function payee({ payee_name, vpa, merchant_category }: PayLink): Html {
	return html`<div class="payee"><span class="initial" aria-hidden="true">${[...payee_name][0]?.toUpperCase()}</span>
<h1>${payee_name}</h1><p class="soft small mono">${vpa}</p>${merchant_category !== null && html`<p class="soft small">Merchant, category ${merchant_category}</p>`}</div>`;
}

export function payPage(link: PayLink, transfers: Transfer[], attempt: string): Page {
	const paid = transfers.filter(({ status }) => status === "success");
	const words = link.amount === null ? "Pay" : `Pay ${rupees(link.amount)}`;
	return {
		title: `Pay ${link.payee_name}`,
		style: STYLE,
		body: html`<main class="phone">
${paid.length > 0 && html`<p class="note warn small" role="status">Paid before with this link: ${paid.map(({ utr }, index) => html`${index > 0 && ", "}<span class="mono">${utr}</span>`)}. Paying again moves money again.</p>`}
<section class="card">${payee(link)}
${link.amount !== null && html`<p class="amount">${rupees(link.amount)}</p>`}
<dl class="facts">${link.note && html`<dt>Note</dt><dd>${link.note}</dd>`}<dt>Reference</dt><dd>${link.reference === null ? "none" : html`<code>${link.reference}</code>`}</dd></dl></section>
<form class="card" method="post" action="/upi/app/pay">
	<input type="hidden" name="uri" value="${link.uri}"><input type="hidden" name="attempt" value="${attempt}">
	${link.amount === null && html`<label>Amount in rupees<input name="amount" inputmode="decimal" pattern="[0-9]+([.][0-9]{1,2})?" required autocomplete="off"></label>`}
	<label>Pay from<select name="payer">${PAYERS.map(({ name, bank, vpa }) => html`<option value="${vpa}">${name}, ${bank}</option>`)}</select></label>
	<button class="primary block" name="outcome" value="success">${words}</button>
	<button class="danger block" name="outcome" value="failure" formnovalidate>Decline</button>
	<button class="quiet block" name="outcome" value="pending">Leave it undecided</button>
</form>
<p class="small soft"><a href="/upi">Leave without paying</a></p></main>`,
	};
}

const HEADINGS = { success: "Payment successful", failure: "Payment declined", pending: "Waiting for the bank" };
const TONES = { success: "good", failure: "bad", pending: "warn" };

export function transferPage(transfer: Transfer): Page {
	const { status, utr, amount, link, payer } = transfer;
	return {
		title: HEADINGS[status],
		style: STYLE,
		body: html`<main class="phone"><section class="card result" id="${status}">
<span class="badge ${TONES[status]}">${ICONS[status]}</span><h1>${HEADINGS[status]}</h1>
<p>${rupees(amount)} to ${link.payee_name}</p><p class="soft small">from ${payer.name}, <span class="mono">${payer.vpa}</span></p>
${status !== "failure" && html`<p class="soft small">UTR, also called UPI transaction id</p><p class="utr mono" id="utr">${utr}</p>`}
</section>
${
	status === "success" &&
	html`<p class="soft small">No message goes to the shop. It learns of the payment from its bank statement, or when the payer types these twelve digits
on the shop's page and somebody looks them up.</p><section class="card"><h2>The shop's bank statement</h2>${formats(link.vpa)}</section>`
}
${
	status === "pending" &&
	html`<form class="card" method="post" action="/upi/app/transfers/${transfer.id}/decide"><p class="soft small">The bank answers:</p>
<button class="primary block" name="outcome" value="success">The money has arrived</button><button class="danger block" name="outcome" value="failure">It goes back to the payer</button></form>`
}
<p class="small"><a href="${appPath(link.uri)}">Back to the link</a> · <a href="/upi">Other links</a></p></main>`,
	};
}

const BANK_NAMES: Record<Bank, string> = {
	hdfc: "HDFC",
	icici: "ICICI",
	sbi: "SBI",
	axis: "Axis",
	kotak: "Kotak",
	plain: "Plain CSV",
};

function formats(vpa: string): Html {
	return html`<p class="formats small">${BANKS.map((bank) => html`<a href="/upi/statement.csv?${new URLSearchParams({ vpa, bank }).toString()}">${BANK_NAMES[bank]}</a>`)}</p>`;
}

export function startPage(
	links: { link: PayLink; is_paid: boolean }[],
	vpas: string[],
	problem: string | null,
	uri = "",
): Page {
	return {
		title: "UPI app",
		style: STYLE,
		body: html`<main class="phone"><header><h1>UPI app</h1><p class="soft small">A payer's phone, and the bank of whoever is paid. Open a link by pasting what its QR code holds.</p></header>
<form class="card" method="get" action="/upi/app">
	${problem !== null && html`<p class="note bad small" role="alert">This link cannot be paid. ${problem}</p>`}
	<label>Link<textarea name="uri" required spellcheck="false" placeholder="upi://pay?pa=…">${uri}</textarea></label><button class="primary block">Open</button></form>
<section class="card"><h2>Latest links</h2>${
			links.length === 0
				? html`<p class="soft small">None was opened yet.</p>`
				: html`<ul class="links">${links.map(
						({ link, is_paid }) =>
							html`<li><a class="where" href="${appPath(link.uri)}">${link.payee_name}${link.reference !== null && html` <code>${link.reference}</code>`}</a><span>${link.amount !== null && rupees(link.amount)} <span class="pill ${is_paid && "paid"}">${is_paid ? "paid" : "opened"}</span></span></li>`,
					)}</ul>`
		}</section>
<section class="card"><h2>Bank statements</h2>${
			vpas.length === 0
				? html`<p class="soft small">None yet: an account appears when a link to it is opened.</p>`
				: html`<ul class="links">${vpas.map((vpa) => html`<li><span class="mono where">${vpa}</span>${formats(vpa)}</li>`)}</ul>`
		}</section></main>`,
	};
}
