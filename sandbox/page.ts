import { randomBytes } from "node:crypto";
import type { Response } from "express";
import { Html, html } from "./html.ts";

const STYLE = new Html(`
:root { color-scheme: light dark; --ground: #eef1f6; --card: #fff; --ink: #172033; --soft: #56617a; --line: #d8deea;
	--brand: #2454d6; --brand-ink: #fff; --side: #10265f; --side-ink: #fff; --side-soft: #c3cfee; --good: #10713f; --good-ground: #e3f5ea;
	--bad: #a51d2d; --bad-ground: #fdeaec; --warn: #7a4b00; --warn-ground: #fff3d6; --field: #fff; }
@media (prefers-color-scheme: dark) { :root { --ground: #0b101b; --card: #151c2b; --ink: #e8ecf5; --soft: #a2aec6; --line: #2c374e;
	--brand: #86a8ff; --brand-ink: #0b1430; --side: #1b2a52; --side-ink: #f2f5ff; --side-soft: #b4c2e6; --good: #74dba2; --good-ground: #11301f;
	--bad: #ff9aa5; --bad-ground: #3a161c; --warn: #ffd27a; --warn-ground: #33260b; --field: #0f1522; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
h1, h2, p, dl, dd, ul { margin: 0; }
a { color: var(--brand); }
code, .mono { font-family: ui-monospace, "Cascadia Mono", Menlo, "DejaVu Sans Mono", monospace; font-size: .875em; overflow-wrap: anywhere; }
:focus-visible { outline: 3px solid var(--brand); outline-offset: 2px; border-radius: 6px; }
.soft { color: var(--soft); }
.small { font-size: .875rem; }
.ribbon { background: var(--warn-ground); color: var(--warn); text-align: center; padding: .375rem 1rem; font-size: .8125rem; font-weight: 600; }
.wide { max-width: 68rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; display: grid; gap: 1.25rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 1.25rem; min-width: 0; }
.card h2 { font-size: 1.0625rem; margin-bottom: .75rem; }
.note { border-radius: 10px; padding: .75rem 1rem; }
.note.good { background: var(--good-ground); color: var(--good); }
.note.bad { background: var(--bad-ground); color: var(--bad); }
.note.warn { background: var(--warn-ground); color: var(--warn); }
button, .button { font: inherit; font-weight: 600; min-height: 46px; padding: .5rem 1.125rem; border-radius: 10px; border: 1px solid transparent;
	cursor: pointer; display: inline-flex; align-items: center; justify-content: center; text-align: center; text-decoration: none; }
.primary { background: var(--brand); color: var(--brand-ink); }
.quiet { background: transparent; color: var(--ink); border-color: var(--line); }
.danger { background: transparent; color: var(--bad); border-color: currentColor; }
.block { width: 100%; }
table { border-collapse: collapse; width: 100%; font-size: .9375rem; }
th, td { text-align: left; padding: .5rem .75rem .5rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 600; font-size: .8125rem; }
.scroll { overflow-x: auto; }
.pill { display: inline-block; border-radius: 99px; padding: .0625rem .625rem; font-size: .8125rem; font-weight: 600; background: var(--ground); color: var(--soft); }
.pill.paid, .pill.verified { background: var(--good-ground); color: var(--good); }
.pill.attempted { background: var(--warn-ground); color: var(--warn); }
.pill.unverified { background: var(--bad-ground); color: var(--bad); }
`);

export interface Page {
	title: string;
	/** Styles of this page alone. */
	style?: Html;
	body: Html;
	/** Small enough to be inline; the page must work without. */
	script?: string;
}

export function sendPage(res: Response, status: number, { title, style, body, script }: Page): void {
	const nonce = randomBytes(16).toString("base64");
	res.status(status).set({
		"Cache-Control": "no-store",
		"Content-Security-Policy": `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; img-src data:; base-uri 'none'; frame-ancestors 'none'`,
		"Referrer-Policy": "strict-origin",
		"X-Content-Type-Options": "nosniff",
	});
	const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
<style nonce="${nonce}">${STYLE}${style}</style>
</head>
<body>
<aside class="ribbon" aria-label="Notice">Sandbox: no real money moves here</aside>
${body}
${script !== undefined && html`<script nonce="${nonce}">${new Html(script)}</script>`}
</body>
</html>`;
	res.type("html").send(document.text);
}
