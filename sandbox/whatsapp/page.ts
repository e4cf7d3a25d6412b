import { Html, html } from "../html.ts";
import type { Page } from "../page.ts";
import type { WhatsappMessage } from "./store.ts";

const STYLE =
	new Html(`.phone { max-width: 44rem; } .bubble { background: var(--good-ground); border-radius: 4px 14px 14px; padding: .75rem 1rem; overflow-wrap: anywhere; }
.head { display: flex; flex-wrap: wrap; gap: .25rem .75rem; align-items: baseline; margin-bottom: .5rem; } .head .soft { margin-left: auto; }
.acts { display: flex; flex-wrap: wrap; gap: .5rem; margin-top: .75rem; } .acts button { min-height: 38px; padding: .25rem .875rem; font-size: .875rem; }
.pill.read, .pill.delivered { background: var(--good-ground); color: var(--good); } .pill.failed { background: var(--bad-ground); color: var(--bad); }`);

const TIME = new Intl.DateTimeFormat("en-IN", { timeZone: "Asia/Kolkata", dateStyle: "medium", timeStyle: "medium" });
const TITLES = { meta: "Meta Cloud API", gupshup: "Gupshup" };

const ACTS = [
	["read", "Read it"],
	["failed", "Could not be delivered"],
	["stop", "Answer STOP"],
] as const;

/** What the phones of those who were written to show. */
export function messagesPage(messages: WhatsappMessage[]): Page {
	return {
		title: "WhatsApp",
		style: STYLE,
		body: html`<main class="wide phone"><header><h1>WhatsApp</h1>
<p class="soft">What phones received, newest first. <a href="/">All of the sandbox</a></p></header>
${messages.length === 0 && html`<p class="card soft">No message yet.</p>`}
${messages.map(
	(
		message,
	) => html`<article class="card"><div class="head"><strong>+${message.recipient}</strong> <span class="pill ${message.status}">${message.status}</span>
<span class="soft small">${TIME.format(new Date(message.received_at))}</span></div>
<p class="bubble"${message.language === "hi" && new Html(' lang="hi"')}>${message.text}</p>
<p class="small soft">${TITLES[message.provider]}, template <code>${message.template}</code></p>
<form class="acts" method="post" action="/whatsapp/${encodeURIComponent(message.id)}">${ACTS.map(([act, label]) => html`<button class="quiet" name="act" value="${act}">${label}</button>`)}</form></article>`,
)}</main>`,
	};
}
