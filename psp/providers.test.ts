import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { createPspAdapters, isProvider, providers } from "./providers.ts";

test("every provider's folder is in the list, under the name its adapter gives itself", () => {
	const folders = readdirSync(import.meta.dirname, { withFileTypes: true })
		.filter((entry) => entry.isDirectory() && !entry.name.startsWith("_"))
		.map((entry) => entry.name);
	expect(Object.keys(providers).sort()).toEqual(folders.sort());
	for (const [name, adapter] of Object.entries(createPspAdapters())) expect(adapter.provider).toBe(name);
});

test("no SDK is loaded before the first call: checkout makes none, and they would take half of its memory", () => {
	const program = `
		import { registerHooks } from "node:module";
		const loaded = new Set();
		registerHooks({ load: (url, context, next) => { loaded.add(url); return next(url, context); } });
		const { createPspAdapters } = await import(${JSON.stringify(import.meta.resolve("./providers.ts"))});
		createPspAdapters();
		console.log(JSON.stringify([...loaded]));`;
	const output = execFileSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8" });
	const loaded: string[] = JSON.parse(output);
	expect(loaded).toContain(import.meta.resolve("./razorpay/client.ts"));
	expect(loaded.filter((url) => url.includes("/node_modules/"))).not.toContainEqual(
		expect.stringMatching(/\/(razorpay|stripe|cashfree-pg|axios)\//),
	);
});

test("with a sandbox every adapter's page is the sandbox's", () => {
	const adapters = createPspAdapters({ sandbox_url: "http://127.0.0.1:4000" });
	for (const { provider, browser_origins } of Object.values(adapters)) {
		// Direct UPI opens no page: its link leaves the browser for an app.
		expect(browser_origins).toEqual(provider === "upi" ? [] : ["http://127.0.0.1:4000"]);
	}
});

test("names of objects' own parts are no providers", () => {
	expect(isProvider("razorpay")).toBe(true);
	for (const name of ["constructor", "__proto__", "", "Razorpay"]) expect(isProvider(name)).toBe(false);
});
