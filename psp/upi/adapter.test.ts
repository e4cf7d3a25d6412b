import { describe, expect, test } from "vitest";
import type { CreateOrderInput, PspAccount } from "../adapter.ts";
import { createUpiAdapter } from "./adapter.ts";
import { isVpa, linkNote, linkReference } from "./link.ts";

const adapter = createUpiAdapter();
const account: PspAccount = {
	api_key: "kaveri.books@okhdfcbank",
	api_secret: "",
	webhook_secret: null,
	settings: { payee_name: "Kaveri Books", mcc: "5942", match_by: "reference" },
};
const input: CreateOrderInput = {
	reference: "01939b1c-7d2e-7a10-9f3a-0c41d2b77e10",
	amount: 499_07,
	currency: "INR",
	order_id: "KB-1042",
	merchant_name: "Kaveri Books & Söhne",
	description: null,
	customer: { name: "Asha Rao" },
	method: null,
	return_url: "http://127.0.0.1:9/return",
	cancel_url: "http://127.0.0.1:9/cancel",
	webhook_url: "http://127.0.0.1:9/webhook",
	expires_at: new Date("2026-11-21T09:09:00.000Z"),
	splits: [],
};

async function uriOf(changed: Partial<CreateOrderInput> = {}, settings = account.settings): Promise<string> {
	const result = await adapter.createOrder({ ...account, settings }, { ...input, ...changed });
	if (result.outcome !== "succeeded" || result.presentation.kind !== "upi") throw new Error(JSON.stringify(result));
	return result.presentation.uri;
}

describe("an order", () => {
	test("is a link that says who is paid, how much, and for what", async () => {
		expect(await adapter.createOrder(account, input)).toEqual({
			outcome: "succeeded",
			psp_order_id: "LS9F3A0C41D2B77E10",
			presentation: {
				kind: "upi",
				uri: "upi://pay?pa=kaveri.books@okhdfcbank&pn=Kaveri%20Books&tr=LS9F3A0C41D2B77E10&tn=LS9F3A0C41D2B77E10%20KB%201042&am=499.07&cu=INR&mc=5942&mode=00",
				payee_vpa: "kaveri.books@okhdfcbank",
				payee_name: "Kaveri Books",
				amount: 499_07,
				reference: "LS9F3A0C41D2B77E10",
				expires_at: "2026-11-21T09:09:00.000Z",
			},
			raw: { uri: expect.any(String) },
		});
	});

	test("is found again as the same link, since nothing was made anywhere", async () => {
		expect(await adapter.findOrder(account, input)).toEqual(await adapter.createOrder(account, input));
	});

	test("names the merchant where no payee name is set, encoded so that no part of it is another parameter", async () => {
		expect(await uriOf({}, {})).toContain("pn=Kaveri%20Books%20%26%20S%C3%B6hne&tr=");
		expect(await uriOf({}, {})).not.toContain("mc=");
		expect(await uriOf({}, { payee_name: "A+B=C?#\u0000\u200f" })).toContain("pn=A%2BB%3DC%3F%23&");
	});

	test.each([
		[1, "0.01"],
		[10, "0.10"],
		[100, "1.00"],
		[1_00_00_000, "100000.00"],
		[Number.MAX_SAFE_INTEGER, "90071992547409.91"],
	])("of %i paise asks for %s", async (amount, rupees) => {
		expect(await uriOf({ amount })).toContain(`&am=${rupees}&`);
	});

	test.each<[string, Partial<PspAccount>, Partial<CreateOrderInput>]>([
		["a VPA without a bank", { api_key: "kaveri.books" }, {}],
		["a VPA with a space", { api_key: "kaveri books@okhdfcbank" }, {}],
		["a VPA that would add a parameter", { api_key: "kaveri@ok&am=1.00" }, {}],
		["no INR", {}, { currency: "USD" }],
		["no paise", {}, { amount: 0 }],
		["parts of paise", {}, { amount: 1.5 }],
		["a part for another account", {}, { splits: [{ account: "ravi@ybl", amount: 1 }] }],
		["a merchant category that is none", { settings: { mcc: "59" } }, {}],
		["a payee without a name", { settings: {} }, { merchant_name: " " }],
	])("with %s is refused", async (_case, changed_account, changed_input) => {
		const result = await adapter.createOrder({ ...account, ...changed_account }, { ...input, ...changed_input });
		expect(result).toMatchObject({
			outcome: "failed",
			error: { code: "invalid_request", message: expect.stringMatching(/./) },
		});
	});
});

describe("the reference", () => {
	test("is short, of letters and digits, and another for every attempt", () => {
		expect(linkReference(input.reference)).toMatch(/^LS[0-9A-F]{16}$/);
		expect(linkReference(input.reference)).not.toBe(linkReference(input.reference.replace(/.$/, "1")));
	});

	test("opens the note, and the merchant's order id follows without banks' separators", () => {
		expect(linkNote("LS1", "KB-1042/7")).toBe("LS1 KB 1042 7");
		expect(linkNote("LS1", "ñ")).toBe("LS1");
		expect(linkNote("LS1", "x".repeat(200))).toHaveLength(50);
	});

	test("stands alone where the order id could be taken for a UTR", () => {
		expect(linkNote("LS1", "202611210001")).toBe("LS1");
		expect(linkNote("LS1", "KB202611210001")).toBe("LS1");
		expect(linkNote("LS1", "2026112100015")).toBe("LS1 2026112100015");
	});
});

test.each([
	["kaveri.books@okhdfcbank", true],
	["9000012345@ybl", true],
	["meera-nair_1@okaxis", true],
	["a@ybl", false],
	["kaveri@", false],
	["kaveri@1bank", false],
	["kaveri@books@ybl", false],
	["kaveri@ok.bank", false],
	["", false],
])("%j is a VPA: %s", (vpa, valid) => expect(isVpa(vpa)).toBe(valid));

describe("what nobody can tell", () => {
	const order = { psp_order_id: "LS9F3A0C41D2B77E10", reference: input.reference };
	const payment = {
		psp_payment_id: "632412345678",
		psp_order_id: order.psp_order_id,
		order_reference: order.reference,
	};

	test("a payment is pending and never failed, whatever time has passed", async () => {
		expect(await adapter.fetchStatus(account, order)).toMatchObject({
			outcome: "pending",
			psp_payment_id: null,
			error: null,
		});
	});

	test("a return proves nothing, not even with what an app on the payer's phone says", () => {
		const query = { Status: "SUCCESS", txnRef: order.psp_order_id, ApprovalRefNo: "632412345678", responseCode: "00" };
		const returned = { query, form: {}, psp_order_id: order.psp_order_id };
		expect(adapter.verifyReturn(account, returned)).toEqual({ verified: false, claims: "unknown" });
	});

	test("no webhook is valid", () => {
		const request = { raw_body: Buffer.from('{"status":"SUCCESS"}'), headers: {} };
		expect(adapter.verifyWebhook({ ...account, webhook_secret: "set by mistake" }, request).valid).toBe(false);
		expect(adapter.parseWebhook(request).kind).toBe("ignored");
	});

	test("a refund is certainly not made, and the operator is told what to do", async () => {
		const asked = { ...payment, reference: "refund-1", amount: 100, currency: "INR", reason: null };
		const refund = await adapter.refund(account, asked);
		expect(refund).toMatchObject({ outcome: "failed", reference: "refund-1", psp_refund_id: null, amount: null });
		expect(refund.error?.message).toMatch(/bank transfer/);
		const looked_up = await adapter.fetchRefund(account, { ...payment, reference: "refund-1", psp_refund_id: "x" });
		expect(looked_up).toMatchObject({ outcome: "failed", error: { code: "not_found" } });
	});

	test("there is no settlement report, which is not an empty one", async () => {
		const report = await adapter.fetchSettlement(account, "2026-11-21");
		expect(report).toMatchObject({ outcome: "failed", error: { message: expect.stringMatching(/bank statement/) } });
	});
});
