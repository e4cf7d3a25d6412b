import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { startTestSandbox } from "../test-sandbox.ts";

const test = await startTestSandbox();
afterAll(() => test.close());

let sequence = 0;
function linkTo(vpa: string, changed: Record<string, string | null> = {}) {
	sequence += 1;
	const fields = {
		pa: vpa,
		pn: "Kaveri%20Books",
		tr: `LS${sequence}`,
		tn: "LS%20note",
		am: "499.07",
		cu: "INR",
		mode: "00",
		...changed,
	};
	const parts = Object.entries(fields).flatMap(([name, value]) => (value === null ? [] : [`${name}=${value}`]));
	return { uri: `upi://pay?${parts.join("&")}`, reference: `LS${sequence}` };
}

const open = (uri: string) => fetch(`${test.url}/upi/app?uri=${encodeURIComponent(uri)}`);

/** Presses a button of the page, as often as told; answers where each press led. */
async function press(uri: string, outcome: string, { times = 1, amount }: { times?: number; amount?: string } = {}) {
	const page = await (await open(uri)).text();
	const attempt = /name="attempt" value="([^"]+)"/.exec(page)?.[1] ?? "";
	const body = new URLSearchParams({
		uri,
		attempt,
		outcome,
		payer: "9000012345@ybl",
		...(amount !== undefined && { amount }),
	});
	const answers = await Promise.all(
		Array.from({ length: times }, () => fetch(`${test.url}/upi/app/pay`, { method: "POST", body, redirect: "manual" })),
	);
	return answers.map((answer) => ({ status: answer.status, path: answer.headers.get("location") ?? "" }));
}

const pageOf = async (path: string) => (await fetch(`${test.url}${path}`)).text();

async function bookingsOf(vpa: string): Promise<string[]> {
	const response = await fetch(`${test.url}/upi/statement.csv?${new URLSearchParams({ vpa })}`);
	expect(response.headers.get("content-type")).toMatch(/^text\/csv/);
	return (await response.text()).trim().split("\r\n").slice(2);
}

const pay = (order: string, outcome: string, more: object = {}) =>
	test.control("POST", "pay", { provider: "upi", order, outcome, ...more });

describe("the payer's app", () => {
	it("shows who is to be paid, how much and for what", async () => {
		const { uri, reference } = linkTo("shows@bank", { mc: "5942" });
		const page = await (await open(uri)).text();
		for (const shown of ["Kaveri Books", "shows@bank", "₹499.07", "LS note", reference, "category 5942"]) {
			expect(page).toContain(shown);
		}
	});

	it("pays once however often the button is pressed, and says the UTR", async () => {
		const { uri, reference } = linkTo("once@bank");
		const presses = await press(uri, "success", { times: 5 });
		expect(new Set(presses.map(({ path }) => path)).size).toBe(1);
		const page = await pageOf(presses[0]!.path);
		const utr = /id="utr">(\d{12})</.exec(page)?.[1];
		expect(page).toContain("Payment successful");
		expect(await bookingsOf("once@bank")).toEqual([expect.stringMatching(`9000012345@ybl LS note,${utr},,499\\.07$`)]);
		expect(await (await open(uri)).text()).toContain(`Paid before with this link: <span class="mono">${utr}`);
		expect((await pay(reference, "success")).body.payment.utr).not.toBe(utr);
	});

	it("declines, and nothing is booked", async () => {
		const { uri } = linkTo("declines@bank");
		const [{ path } = { path: "" }] = await press(uri, "failure");
		expect(await pageOf(path)).toContain("Payment declined");
		expect(await bookingsOf("declines@bank")).toEqual([]);
	});

	it("leaves a payment with the bank, which books it later or gives it back", async () => {
		for (const outcome of ["success", "failure"]) {
			const vpa = `later.${outcome}@bank`;
			const [{ path } = { path: "" }] = await press(linkTo(vpa).uri, "pending");
			expect(await bookingsOf(vpa)).toEqual([]);
			const body = new URLSearchParams({ outcome });
			await fetch(`${test.url}${path}/decide`, { method: "POST", body });
			await fetch(`${test.url}${path}/decide`, { method: "POST", body });
			expect(await bookingsOf(vpa)).toHaveLength(outcome === "success" ? 1 : 0);
		}
	});

	it("asks how much where the link does not say", async () => {
		const { uri } = linkTo("asks@bank", { am: null, tr: null });
		expect(await (await open(uri)).text()).toContain("Amount in rupees");
		expect(await press(uri, "success")).toEqual([expect.objectContaining({ status: 400 })]);
		await press(uri, "success", { amount: "12.5" });
		expect(await bookingsOf("asks@bank")).toEqual([expect.stringMatching(/,12\.50$/)]);
	});

	it.each<[string, Record<string, string | null>]>([
		["no VPA", { pa: "kaveri" }],
		["no name", { pn: null }],
		["a plus sign for a space", { pn: "Kaveri+Books" }],
		["another currency", { cu: "USD" }],
		["a bare amount", { am: "499" }],
		["no money", { am: "0.00" }],
		["a reference with hyphens", { tr: "01939b1c-7d2e" }],
		["a reference that is too long", { tr: "L".repeat(36) }],
		["a category of three digits", { mc: "594" }],
		["encoding that ends early", { tn: "%E0%A4" }],
		["a parameter twice", { tn: "a&pa=mallory@bank" }],
	])("opens no link with %s", async (_case, changed) => {
		const response = await open(linkTo("strict@bank", changed).uri);
		expect(response.status).toBe(400);
		expect(await response.text()).toContain("This link cannot be paid.");
	});

	it("shows what a link says as text", async () => {
		const page = await (await open(linkTo("text@bank", { pn: "%3Cscript%3Ealert(1)%3C%2Fscript%3E" }).uri)).text();
		expect(page).toContain("&lt;script&gt;");
		expect(page).not.toContain("<script>alert");
	});

	it("is listed with its links and statements, on its own page and the sandbox's", async () => {
		const { uri, reference } = linkTo("listed@bank");
		await press(uri, "success");
		const own = await pageOf("/upi");
		expect(own).toContain(reference);
		expect(own).toContain("/upi/statement.csv?vpa=listed%40bank&amp;bank=hdfc");
		const index = await pageOf("/");
		expect(index).toContain(reference);
		expect(index).toContain('<a href="/upi">');
	});
});

describe("the control", () => {
	it("pays by the reference of a link that an app has opened", async () => {
		const { uri, reference } = linkTo("control@bank");
		expect((await pay(reference, "success")).status).toBe(404);
		await open(uri);
		const { body } = await pay(reference, "success");
		expect(body).toMatchObject({ order: { reference }, payment: { status: "success", amount: 499_07 }, webhooks: [] });
		expect(body.payment.utr).toMatch(/^\d{12}$/);
	});

	it("pays by the link itself, another amount if told to", async () => {
		const { uri } = linkTo("amount@bank");
		expect((await pay(uri, "success", { amount: 100 })).body.payment.amount).toBe(100);
		expect(await bookingsOf("amount@bank")).toEqual([expect.stringMatching(/,1\.00$/)]);
	});

	it("cannot pay in another currency, nor a link that is none", async () => {
		expect((await pay(linkTo("currency@bank").uri, "success", { currency: "USD" })).status).toBe(404);
		expect((await pay("upi://pay?pa=x", "success")).status).toBe(404);
	});

	it("holds no money: authorized is on its way at most, and then arrives", async () => {
		const { uri } = linkTo("held@bank");
		const { body } = await pay(uri, "authorized");
		expect(body.payment.status).toBe("pending");
		expect((await pay(uri, "success")).body.payment).toMatchObject({ status: "success", utr: body.payment.utr });
		expect(await bookingsOf("held@bank")).toHaveLength(1);
	});
});

describe("a statement", () => {
	it("has every credit of the account and of no other, in order, with balances that add up", async () => {
		for (const amount of [100, 20_000, 3]) await pay(linkTo("adds@bank").uri, "success", { amount });
		await pay(linkTo("adds2@bank").uri, "success");
		const response = await fetch(`${test.url}/upi/statement.csv?vpa=adds@bank&bank=hdfc`);
		const rows = (await response.text()).split("\r\n").filter((line) => /^\d\d\/\d\d\/\d\d,/.test(line));
		expect(rows.map((row) => row.split(",").slice(3, 5).concat(row.split(",").slice(6)))).toEqual([
			["17.70", "0.00", "9982.30"],
			["0.00", "1.00", "9983.30"],
			["0.00", "200.00", "10183.30"],
			["0.00", "0.03", "10183.33"],
		]);
	});

	it("is asked for with an account, and a bank whose form is known", async () => {
		for (const query of ["", "vpa=x@bank&bank=nobody"]) {
			const response = await fetch(`${test.url}/upi/statement.csv?${query}`);
			expect(response.status).toBe(400);
		}
		expect(await bookingsOf("nobody@bank")).toEqual([]);
	});
});

it("keeps links and payments across restarts", async () => {
	const directory = await mkdtemp(join(tmpdir(), "sandbox-"));
	const state_file = join(directory, "state.json");
	const first = await startTestSandbox({ state_file });
	const { uri, reference } = linkTo("kept@bank");
	await first.control("POST", "pay", { provider: "upi", order: uri, outcome: "success" });
	await first.close();
	const second = await startTestSandbox({ state_file });
	const response = await fetch(`${second.url}/upi/statement.csv?vpa=kept@bank`);
	expect(await response.text()).toContain("499.07");
	expect((await second.control("POST", "pay", { provider: "upi", order: reference, outcome: "success" })).status).toBe(
		200,
	);
	await second.close();
	await rm(directory, { recursive: true });
});
