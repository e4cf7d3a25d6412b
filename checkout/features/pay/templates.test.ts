import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { LANGUAGES, TEXTS } from "./languages.ts";
import { assetPath } from "./page-assets.ts";
import { type PageInput, pageModel } from "./page-model.ts";
import { PAGE_STATES, type PageState, pageState } from "./page-state.ts";
import { renderPayPage, renderProblemPage } from "./templates.ts";

const CHECKOUT = new URL("../../", import.meta.url);
const NOW = "2026-11-21T06:20:00.000Z";
const HOSTILE = `"><script>alert('1')</script>&amp;{{x}}`;

function input(view: object = {}, page: object = {}, rest: Partial<PageInput> = {}): PageInput {
	return {
		page: {
			client_id: "client",
			client_key: "key",
			client_salt: "",
			company_name: "Kaveri Books",
			redirect_url: "https://books.example/return",
			description: "Three books",
			late: false,
			version: 3,
			attempt_id: "attempt",
			attempt_status: "pending",
			psp_order_id: "order_1",
			presentation: { kind: "form", url: "https://psp.example/pay", fields: { key_id: "key" } },
			gateway: { id: "g", provider: "razorpay", api_key: "", api_secret: "", webhook_secret: null, settings: {} },
			database_time: NOW,
			...page,
			view: {
				transaction_id: "0190",
				order_id: "KB-1",
				status: "pending",
				amount: 12_345_600,
				amount_refunded: 0,
				currency: "INR",
				provider: "razorpay",
				method: "upi",
				created_at: NOW,
				paid_at: null,
				expires_at: "2026-11-21T06:34:32.000Z",
				...view,
			},
		},
		visit: { returned: null, left: false },
		language: "en",
		token: "token",
		resultUrl: () => "https://books.example/return?signature=s",
		...rest,
	};
}

const paid = { paid_at: NOW };
const STATES: Record<PageState, PageInput> = {
	preparing: input({ status: "created" }, { presentation: null }),
	ready: input(),
	left: input({}, {}, { visit: { returned: null, left: true } }),
	confirming: input({}, {}, { visit: { returned: "unknown", left: false } }),
	declined: input({ status: "failed", error: { code: "insufficient_funds", message: null } }),
	paid: input({ status: "paid", ...paid }, { late: true }),
	expired: input({ status: "expired" }),
	failed: input({ status: "failed", error: { code: "amount_mismatch", message: null } }),
	unavailable: input({ status: "failed" }, { presentation: null }),
	refunded: input({ status: "refunded", amount_refunded: 12_345_600, ...paid }),
	partially_refunded: input({ status: "partially_refunded", amount_refunded: 100, ...paid }),
};

const render = (page_input: PageInput) => renderPayPage(pageModel(page_input, "'self'"), "nonce");

describe.each(LANGUAGES)("the payment page in %s", (language) => {
	it.each(PAGE_STATES)("shows the state %s with nothing left to fill in", (state) => {
		const page_input = { ...STATES[state], language };
		expect(pageState(page_input.page, page_input.visit)).toBe(state);
		const html = render(page_input);
		expect(html).toContain(`<html lang="${language}">`);
		expect(html).toContain(TEXTS[language].states[state].heading);
		expect(html).toContain("₹1,23,456.00");
		expect(html.replaceAll("{seconds}", "")).not.toMatch(/\{\w+\}|undefined|\[object/);
	});
});

describe("the payment page", () => {
	it("escapes everything that others wrote", () => {
		const html = render(
			input(
				{ order_id: HOSTILE },
				{
					company_name: HOSTILE,
					description: HOSTILE,
					presentation: { kind: "form", url: "https://psp.example/", fields: { [HOSTILE]: HOSTILE } },
				},
				{ token: HOSTILE },
			),
		);
		expect(html).not.toContain("<script>");
		expect(html.match(/<script/g)).toHaveLength(1);
		expect(html).not.toContain("&amp;{{x}}");
	});

	it("has no template that prints unescaped", () => {
		const views = readdirSync(new URL("views/", CHECKOUT), { recursive: true, encoding: "utf8" });
		const templates = views.filter((name) => name.endsWith(".hbs"));
		expect(templates.length).toBeGreaterThan(5);
		for (const name of templates) {
			expect(readFileSync(new URL(`views/${name}`, CHECKOUT), "utf8"), name).not.toMatch(/\{\{\{|\{\{~?&/);
		}
	});

	it("waits without a script only where there is something to wait for", () => {
		for (const state of PAGE_STATES) {
			expect(/<noscript><meta http-equiv="refresh"/.test(render(STATES[state])), state).toBe(
				state === "preparing" || state === "confirming",
			);
		}
	});

	it("opens the PSP by itself only before the first try", () => {
		for (const state of PAGE_STATES) {
			expect(/data-open="attempt"/.test(render(STATES[state])), state).toBe(state === "ready");
		}
	});

	it("says when preparing takes long, and lets the payer go", () => {
		const late = { status: "created", created_at: "2026-11-21T06:19:30.000Z" };
		const html = render(input(late, { presentation: null }));
		expect(html).toContain(TEXTS.en.states.preparing.slow);
		expect(html).toContain("Back to Kaveri Books");
		expect(render(STATES.preparing)).not.toContain(TEXTS.en.states.preparing.slow);
	});

	it("looks for late money for a while after the time is over", () => {
		const poll = (expires_at: string) =>
			/data-poll="(\d*)"/.exec(render(input({ status: "expired", expires_at })))?.[1];
		expect(poll("2026-11-21T06:10:00.000Z")).toBe("60000");
		expect(poll("2026-11-21T06:00:00.000Z")).toBe("");
	});

	it("offers no second payment while the bank has the first", () => {
		const html = render(input({}, { attempt_status: "authorized" }));
		expect(html).toContain(TEXTS.en.states.confirming.heading);
		expect(html).not.toContain("pay-button");
	});

	it("leads to the PSP by a link where that is how the PSP wants it", () => {
		const html = render(input({}, { presentation: { kind: "redirect", url: "https://psp.example/p?a=1&b=2" } }));
		expect(html).toMatch(/<a [^>]*id="pay-button" href="https:\/\/psp\.example\/p\?a&#x3D;1&amp;b&#x3D;2"/);
	});

	it("takes nobody back to a merchant without an address", () => {
		const html = render({ ...STATES.paid, resultUrl: () => null });
		expect(html).toContain(TEXTS.en.close_page);
		expect(html).toContain('data-return-after=""');
	});

	it("says nothing about the gateway's credentials", () => {
		const html = render(input({}, { gateway: { ...STATES.ready.page.gateway, api_secret: "v1.sealed" } }));
		expect(html).not.toContain("v1.sealed");
	});
});

it("a problem page renders without a script", () => {
	const texts = TEXTS.hi;
	const { heading, text } = texts.problems.broken;
	const html = renderProblemPage(
		{ language: "hi", texts, title: heading, heading, text, languages: [], reload: true, request_id: HOSTILE },
		"nonce",
	);
	expect(html).toContain(heading);
	expect(html).not.toContain("<script");
});

it("page, style and script stay far below 100 KB, the script below 30 KB, compressed", () => {
	const asset = (name: string) => gzipSync(readFileSync(new URL(`assets/${name}`, CHECKOUT))).length;
	const html = Math.max(...PAGE_STATES.map((state) => Buffer.byteLength(render({ ...STATES[state], language: "hi" }))));
	expect(asset("pay.js")).toBeLessThan(3_000);
	expect(html + asset("pay.css") + asset("pay.js") + asset("icon.svg")).toBeLessThan(20_000);
	expect(assetPath("pay.js")).toMatch(/^\/assets\/pay\.[\w-]{12}\.js$/);
});
