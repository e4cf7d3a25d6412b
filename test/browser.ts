/**
 * The browser that end-to-end tests run in.
 *
 *   describe.skipIf(!hasBrowser())("a page", () => {
 *     beforeAll(async () => { browser = await launchBrowser(); });
 *     it("…", async () => { const page = await (await openContext(browser)).newPage(); });
 */
import { existsSync } from "node:fs";
import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";

/** What a page is waited for; a busy machine is no failure. */
const PATIENCE_MS = 180_000;

const PLACES = [
	// The engine without the browser around it, which costs a good part of the time.
	"/usr/bin/chromium-headless-shell",
	"/usr/bin/chromium",
	"/usr/bin/chromium-browser",
	"/usr/bin/google-chrome",
	"/Applications/Chromium.app/Contents/MacOS/Chromium",
	"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
const HOW_TO_INSTALL =
	"install Chromium (Debian: apt-get install chromium; elsewhere: npx playwright-core install chromium) or set CHROMIUM_PATH.";

function findBrowser(): string | undefined {
	const { CHROMIUM_PATH } = process.env;
	const places = CHROMIUM_PATH ? [CHROMIUM_PATH] : [...PLACES, chromium.executablePath()];
	return places.find((path) => existsSync(path));
}

/** On a developer's machine a browser may be missing; where the suite decides about a merge it must not. */
export function hasBrowser(): boolean {
	if (findBrowser() !== undefined) return true;
	if (process.env.CI === "true") throw new Error(`There is no browser for the tests: ${HOW_TO_INSTALL}`);
	console.log(`Skipped: tests in a browser. To run them, ${HOW_TO_INSTALL}`);
	return false;
}

export function launchBrowser(): Promise<Browser> {
	return chromium.launch({
		executablePath: findBrowser(),
		// Pages of one profile and site share a process: what one has compiled the others need not.
		args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--process-per-site"],
		timeout: PATIENCE_MS,
	});
}

/** A profile of its own in which nothing moves: without a graphics card, drawing what fades and spins costs more than the pages. */
export async function openContext(browser: Browser, options: BrowserContextOptions = {}): Promise<BrowserContext> {
	const context = await browser.newContext(options);
	context.setDefaultTimeout(PATIENCE_MS);
	await context.addInitScript(() => {
		const still = new CSSStyleSheet();
		still.replaceSync("*, *::before, *::after { animation: none !important; transition: none !important; }");
		document.adoptedStyleSheets.push(still);
	});
	return context;
}

/** What axe finds wrong on a page, a line each: in `within` only, where that is given. */
export async function accessibilityViolations(page: Page, within?: string): Promise<string[]> {
	const axe = new AxeBuilder({ page })
		// Into a frame that may run no script axe cannot look; it would wait for it.
		.exclude("iframe[sandbox]")
		// Without a page of its own to put frames' results together, and without a list of all that is well.
		.setLegacyMode()
		.options({ resultTypes: ["violations"] });
	const { violations } = await (within === undefined ? axe : axe.include(within)).analyze();
	return violations.map(
		({ id, nodes }) =>
			`${id}: ${nodes.map(({ target, html, any }) => `${target} ${html} ${any[0]?.message ?? ""}`).join(", ")}`,
	);
}
