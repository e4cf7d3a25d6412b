import { Html, html, rupees } from "./html.ts";
import type { MerchantEvent } from "./merchant/endpoint.ts";
import type { Page } from "./page.ts";
import type { OrderSummary, SandboxProvider } from "./provider.ts";

const STYLE =
	new Html(`.services { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); }
h1 { font-size: 1.625rem; } td { white-space: nowrap; } td code { overflow-wrap: normal; } .links { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; padding: 0; }`);

const TIME = new Intl.DateTimeFormat("en-IN", { timeZone: "Asia/Kolkata", dateStyle: "medium", timeStyle: "medium" });

function orderRow(provider: SandboxProvider, order: OrderSummary): Html {
	return html`<tr><td>${rupees(order.amount, order.currency)}</td><td><span class="pill ${order.status}">${order.status}</span></td>
<td><a href="${order.pay_path}" aria-label="${order.status === "paid" ? "View" : "Pay"} ${order.id}">${order.status === "paid" ? "View" : "Pay"}</a></td>
<td><code>${order.id}</code></td><td>${TIME.format(order.created_at)}</td><td>${provider.title}</td></tr>`;
}

function eventRow(event: MerchantEvent): Html {
	const verdict = event.verified ? "verified" : "unverified";
	return html`<tr><td>${event.type ?? "–"}</td><td><span class="pill ${verdict}">${verdict}</span></td>
<td>${event.merchant ?? "–"}</td><td><code>${event.id ?? "–"}</code></td><td>${TIME.format(new Date(event.received_at))}</td></tr>`;
}

export function indexPage(providers: SandboxProvider[], events: MerchantEvent[]): Page {
	const orders = providers.flatMap((provider) => provider.recentOrders(20).map((order) => orderRow(provider, order)));
	return {
		title: "Sandbox",
		style: STYLE,
		body: html`<main class="wide">
<header><h1>The outside world, on this machine</h1>
<p class="soft">Payment providers and a merchant to develop and test against. Times are Indian Standard Time.</p></header>
<section class="services" aria-label="Services">
${providers.map(({ name, title, links = [] }) => html`<div class="card"><h2>${title}</h2><p class="small soft">API below <code>/${name}</code></p><p class="small"><a href="/_control/log?service=${name}&limit=100">Requests seen by ${title}</a></p>${links.map(({ label, path }) => html`<p class="small"><a href="${path}">${label}</a></p>`)}</div>`)}
<div class="card"><h2>Merchant</h2><p class="small soft">Webhooks to <code>/merchant/webhook</code>, payers return to <code>/merchant/return</code></p><p class="small"><a href="/_control/merchant/events?limit=100">Events the merchant received</a></p></div>
<div class="card"><h2>WhatsApp</h2><p class="small soft">Meta below <code>/meta</code>, Gupshup below <code>/gupshup</code></p><p class="small"><a href="/whatsapp">What phones received</a></p></div>
<div class="card"><h2>Banks</h2><p class="small soft">What payers' banks say afterwards</p><p class="small"><a href="/disputes">Disputes of payments</a></p></div>
<div class="card"><h2>Control</h2><ul class="links small"><li><a href="/_control/faults">Faults</a></li><li><a href="/_control/webhooks">Webhooks sent</a></li><li><a href="/_control/accounts">Accounts</a></li><li><a href="/_control/merchants">Merchants</a></li></ul></div>
</section>
<section class="card"><h2>Latest orders</h2>
${
	orders.length === 0
		? html`<p class="soft">None yet. Start a payment at the checkout, and its order appears here.</p>`
		: html`<div class="scroll" tabindex="0" role="region" aria-label="Latest orders"><table><thead><tr><th>Amount</th><th>Status</th><th>Page</th><th>Order</th><th>Time</th><th>Provider</th></tr></thead><tbody>${orders}</tbody></table></div>`
}</section>
<section class="card"><h2>Latest events at the merchant</h2>
${
	events.length === 0
		? html`<p class="soft">None yet.</p>`
		: html`<div class="scroll" tabindex="0" role="region" aria-label="Latest events"><table><thead><tr><th>Event</th><th>Signature</th><th>Merchant</th><th>Id</th><th>Time</th></tr></thead><tbody>${events.map(eventRow)}</tbody></table></div>`
}</section>
</main>`,
	};
}
