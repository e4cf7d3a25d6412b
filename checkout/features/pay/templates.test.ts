import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { fillText, LANGUAGES, TEXTS } from "./languages.ts";
import { openModel } from "./open-model.ts";
import { assetPath } from "./page-assets.ts";
import { type PageInput, pageModel } from "./page-model.ts";
import { PAGE_STATES, type PageState, pageState, type Visit } from "./page-state.ts";
import { glueFor } from "./provider-scripts.ts";
import { renderOpenPage, renderPayPage, renderProblemPage } from "./templates.ts";

const CHECKOUT = new URL("../../", import.meta.url);
const NOW = "2026-11-21T06:20:00.000Z";
const FRESH: Visit = { returned: null, left: false, utr: null };
const HOSTILE = `"><script>alert('1')</script>&amp;{{x}}`;

function input(view: object = {}, page: object = {}, rest: Partial<PageInput> = {}): PageInput {
	return {
		page: {
			client_id: "client",
			client_key: "key",
			client_salt: "",
			previous_client_salt: null,
			company_name: "Kaveri Books",
			theme_color: null,
			logo_sha256: null,
			redirect_url: "https://books.example/return",
			description: "Three books",
			late: false,
			version: 3,
			attempt_id: "attempt",
			attempt_status: "pending",
			attempt_is_moving: false,
			can_move: false,
			utr_claim: null,
			takes_utr: (page as { presentation?: { kind: string } }).presentation?.kind === "upi",
			refunds: [],
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
		visit: FRESH,
		language: "en",
		token: "token",
		platform: "other",
		resultUrl: () => "https://books.example/return?signature=s",
		...rest,
	};
}

const UPI = {
	kind: "upi",
	uri: "upi://pay?pa=kaveri@okbank&pn=Kaveri%20Books&tr=LSP1&am=123456.00&cu=INR",
	payee_vpa: "kaveri@okbank",
	payee_name: "Kaveri Books",
	amount: 12_345_600,
	reference: "LSP1",
	expires_at: "2026-11-21T06:29:00.000Z",
} as const;
const tried = { attempt_status: "failed" };
const paid = { paid_at: NOW };
const STATES: Record<PageState, PageInput> = {
	preparing: input({ status: "created" }, { presentation: null }),
	ready: input(),
	left: input({}, {}, { visit: { ...FRESH, left: true } }),
	confirming: input({}, {}, { visit: { ...FRESH, returned: "unknown" } }),
	scan: input({}, { presentation: UPI }),
	code_over: input({}, { presentation: { ...UPI, expires_at: NOW } }),
	checking: input({}, { presentation: UPI, utr_claim: { utr: "412345678901", status: "submitted" } }),
	declined: input({ status: "failed", error: { code: "insufficient_funds", message: null } }, tried),
	paid: input({ status: "paid", ...paid }, { late: true }),
	expired: input({ status: "expired" }),
	failed: input({ status: "failed", error: { code: "amount_mismatch", message: null } }, tried),
	unavailable: input({ status: "failed" }, { ...tried, presentation: null }),
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

	it("loads again without a script only where there is something to wait for, and when a code ends", () => {
		for (const state of PAGE_STATES) {
			const [, seconds] = /<noscript><meta http-equiv="refresh" content="(\d+)">/.exec(render(STATES[state])) ?? [];
			const expected = { preparing: "4", confirming: "4", scan: "541" }[state as string];
			expect(seconds, state).toBe(expected);
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

	it("leads to a page of its own for a provider that is opened by a script, and runs no such script itself", () => {
		const script_url = "https://sdk.cashfree.com/js/v3/cashfree.js";
		const html = render(input({}, { presentation: { kind: "script", script_url, session: { id: "session_1" } } }));
		expect(html).toMatch(/<a [^>]*id="pay-button" href="\/pay\/0190\/open\?token&#x3D;token"/);
		expect(html).not.toMatch(/cashfree|session_1/);
	});

	it("asks for another gateway where one could take the payment", () => {
		const posts = (page_input: PageInput) =>
			/<form class="pay" method="post" action="\/pay\/0190\/retry\?token&#x3D;token">\s*<button class="([^"]+)"/.exec(
				render(page_input),
			)?.[1];
		const movable = (page_input: PageInput) => ({ ...page_input, page: { ...page_input.page, can_move: true } });
		expect(posts(movable(STATES.declined))).toBe("button");
		expect(render(movable(STATES.declined))).not.toContain("psp.example");
		expect(posts(movable(STATES.left))).toBe("button quiet");
		expect(render(movable(STATES.left))).toContain("psp.example");
		expect(posts(movable(STATES.code_over))).toBe("button");
		for (const state of ["paid", "checking", "confirming", "expired"] as const) {
			expect(posts(movable(STATES[state])), state).toBeUndefined();
		}
		expect(posts(STATES.declined)).toBeUndefined();
	});

	it("looks often while the payer moves to another gateway", () => {
		const html = render(input({ status: "failed" }, { ...tried, attempt_is_moving: true }));
		expect(html).toContain(TEXTS.en.states.preparing.heading);
		expect(html).toContain('data-poll="3000"');
	});

	it("tells who paid twice what becomes of the second payment, and of refunds that are under way", () => {
		const refunded = (kind: string, status: string) =>
			render(input({ status: "paid", ...paid }, { refunds: [{ amount: 50_000, kind, status }] }));
		const { refunds } = TEXTS.en;
		const amount = "₹500.00";
		expect(refunded("duplicate_payment", "pending")).toContain(fillText(refunds.duplicate_pending, { amount }));
		expect(refunded("duplicate_payment", "succeeded")).toContain(fillText(refunds.duplicate_succeeded, { amount }));
		expect(refunded("duplicate_payment", "failed")).toContain(fillText(refunds.duplicate_failed, { amount }));
		expect(refunded("requested", "pending")).toContain(fillText(refunds.requested_pending, { amount }));
		expect(refunded("requested", "failed")).not.toContain(amount);
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

describe("direct UPI", () => {
	const paise_less = { ...UPI, amount: 12_345_593 };

	it("shows the code, the link, the amount and the VPA, and counts the code's own time", () => {
		const html = render(STATES.scan);
		expect(html).toMatch(/<svg class="qr" role="img" aria-label="QR code for UPI" viewBox="0 0 (\d+) \1"/);
		expect(html).toContain('href="upi://pay?pa&#x3D;kaveri@okbank&amp;pn&#x3D;Kaveri%20Books&amp;tr');
		expect(html).toContain('data-text="123456.00"');
		expect(html).toContain('data-text="kaveri@okbank"');
		expect(html).toContain('data-remaining="540000"');
		expect(html.match(/id="clock"/g)).toHaveLength(1);
		expect(html).not.toMatch(/<img|src="http/);
	});

	it("takes the code away when its time is over, and still takes a UTR", () => {
		const html = render(STATES.code_over);
		expect(html).not.toMatch(/class="qr"|upi:\/\//);
		expect(html).toContain('name="utr"');
	});

	it("says to pay exactly what differs from the order by paise, and why", () => {
		const html = render(input({}, { presentation: paise_less }));
		expect(html).toContain("Pay exactly ₹1,23,455.93, not ₹1,23,456.00.");
		expect(html).toContain('data-text="123455.93"');
		expect(render(STATES.scan)).not.toContain("Pay exactly");
	});

	it("leads a phone to its apps, each as its system wants it", () => {
		const android = render({ ...STATES.scan, platform: "android" });
		expect(android).toContain("intent://pay?pa&#x3D;kaveri@okbank");
		expect(android).toContain(TEXTS.en.upi.open_app);
		const ios = render({ ...STATES.scan, platform: "ios" });
		expect(ios).toContain('href="gpay://upi/pay?pa');
		expect(ios).toContain(TEXTS.en.upi.another_app);
		expect(render(STATES.scan)).not.toMatch(/intent:|gpay:/);
	});

	it("shows why a UTR was not taken, with what was entered, to who sees and to who listens", () => {
		const html = render({ ...STATES.scan, visit: { ...FRESH, utr: { refusal: "invalid", entered: HOSTILE } } });
		expect(html).toContain(TEXTS.en.utr.refusals.invalid);
		expect(html).toMatch(/<title>Error: /);
		expect(html).toMatch(/<input [^>]*aria-describedby="utr-hint utr-error"[^>]* aria-invalid="true" autofocus>/);
		expect(html).not.toContain("<script>");
	});

	it("says that the merchant found no such payment, and asks again", () => {
		const html = render(input({}, { presentation: UPI, utr_claim: { utr: "412345678901", status: "rejected" } }));
		expect(html).toContain("found no payment with the UTR 412345678901");
		expect(html).toContain('name="utr"');
	});

	it("takes a UTR as long as the database does, and none once the payment is there", () => {
		const asks = (page_input: PageInput) => render(page_input).includes('name="utr"');
		const expired = (takes_utr: boolean) => input({ status: "expired" }, { presentation: UPI, takes_utr });
		expect(asks(expired(true))).toBe(true);
		expect(asks(expired(false))).toBe(false);
		expect(asks(input({ status: "paid", ...paid }, { presentation: UPI }))).toBe(false);
		expect(asks(STATES.expired)).toBe(false);
	});

	it.each(["ready", "left", "declined", "expired", "failed", "unavailable"] as const)(
		"folds the form for the UTR where the payment has moved on from direct UPI: %s",
		(state) => {
			const moved = { ...STATES[state], page: { ...STATES[state].page, takes_utr: true } };
			expect(render(moved)).toContain(`<summary>${TEXTS.en.utr.heading_late}</summary>`);
			const refused = {
				...moved,
				visit: { ...moved.visit, utr: { refusal: "used", entered: "412345678901" } as const },
			};
			expect(render(refused)).toContain('<details class="utr" id="utr" open>');
			expect(pageModel(refused, "'self'").script.open).toBe("");
		},
	);
});

describe("the page that runs a provider's script", () => {
	const page = input({}, { can_move: true }).page;
	const script = {
		url: "https://sdk.cashfree.com/js/v3/cashfree.js",
		glue: "open-cashfree.js",
		session: { id: HOSTILE },
	};

	it.each(LANGUAGES)("hands over the session, in %s", (language) => {
		const html = renderOpenPage(openModel(page, script, "token", language, TEXTS[language]), "nonce");
		expect(html).toContain(TEXTS[language].open.heading);
		expect(html).toContain(TEXTS[language].open.failed_heading);
		expect(html).toContain(TEXTS[language].open.no_script_heading);
		const scripts = [...html.matchAll(/<script src="([^"]+)"/g)].map(([, src]) => src);
		expect(scripts.map((src) => src?.replace(/\.[\w-]{12}\./, "."))).toEqual([
			"/assets/open-cashfree.js",
			"/assets/open.js",
			script.url,
		]);
		expect(html).not.toMatch(/<script>|undefined|\[object/);
	});

	it("runs no script but the provider's own or the sandbox's", () => {
		expect(glueFor("cashfree", script.url, undefined)).toBe("open-cashfree.js");
		expect(glueFor("cashfree", "http://127.0.0.1:4999/cashfree/js", "http://127.0.0.1:4999")).toBe("open-cashfree.js");
		expect(() => glueFor("cashfree", "https://evil.example/cashfree.js", undefined)).toThrow("evil.example");
		expect(() => glueFor("razorpay", script.url, undefined)).toThrow("razorpay");
	});
});

it("a problem page renders without a script", () => {
	const texts = TEXTS.hi;
	const { heading, text } = texts.problems.broken;
	const html = renderProblemPage(
		{
			language: "hi",
			texts,
			title: heading,
			icon: "cross",
			tone: "warn",
			heading,
			text,
			languages: [],
			reload: true,
			request_id: HOSTILE,
		},
		"nonce",
	);
	expect(html).toContain(heading);
	expect(html).not.toContain("<script");
});

it("page, style and script stay far below 100 KB, the script below 30 KB, compressed", () => {
	const asset = (name: string) => gzipSync(readFileSync(new URL(`assets/${name}`, CHECKOUT))).length;
	const html = Math.max(
		...PAGE_STATES.map((state) => Buffer.byteLength(render({ ...STATES[state], language: "hi", platform: "android" }))),
	);
	expect(asset("pay.js")).toBeLessThan(3_500);
	expect(asset("open.js") + asset("open-cashfree.js")).toBeLessThan(1_500);
	expect(html + asset("pay.css") + asset("pay.js") + asset("icon.svg")).toBeLessThan(20_000);
	expect(assetPath("pay.js")).toMatch(/^\/assets\/pay\.[\w-]{12}\.js$/);
});
