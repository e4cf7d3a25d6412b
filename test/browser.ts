/**
 * The browser that end-to-end tests run in.
 *
 *   describe.skipIf(!hasBrowser())("a page", () => {
 *     beforeAll(async () => { browser = await launchBrowser(); });
 */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PLACES = [
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
		args: ["--no-sandbox", "--headless=new", "--disable-gpu", "--disable-background-networking"],
	});
}
