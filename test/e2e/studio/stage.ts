/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * One database, one studio, one browser, for all that is tried in the studio by hand.
 *
 *   const stage = new StudioStage();
 *   beforeAll(() => stage.start());
 *   afterAll(() => stage.stop());
 *   const page = await stage.open({ role: "operator" }, "/home");
 *
 * SCREENSHOTS=<directory> keeps pictures of every step.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { expect, onTestFinished } from "vitest";
import { beginPspOrder, recordPspOrder, settleAttempt } from "../../../db/client/attempts.ts";
import { parseEncryptionKeys } from "../../../db/client/secrets.ts";
import type { RoleName } from "../../../directus/config/roles.ts";
import { createStudioDatabase, type Studio, startStudio } from "../../../directus/tests/studio-process.ts";
import { accessibilityViolations, launchBrowser, openContext } from "../../browser.ts";
import type { TestDatabase } from "../../database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../merchants.ts";
import { attemptState, startPayment } from "../../payments.ts";

export interface View {
	role: RoleName;
	colorScheme?: "light" | "dark";
	width?: number;
	/** A browser profile and a session of its own, for who logs out or is thrown out. */
	is_apart?: boolean;
	/** Of this role, with a browser profile of their own; whom the other tests know stays as they were. */
	person?: { email: string; password: string };
}

/** Where a person is logged in: a browser profile, and those of its pages that nobody looks at. They are opened anew without loading the studio again. */
interface Seat {
	context: BrowserContext;
	idle: Page[];
}

export class StudioStage {
	#database: TestDatabase | undefined;
	#studio: Studio | undefined;
	#browser: Browser | undefined;
	#merchant: TestMerchant | undefined;
	/** By role. The studio's scripts are megabytes: a new profile for each page would read them all again. */
	readonly #seats = new Map<RoleName, Promise<Seat>>();
	/** Whoever speaks Hindi sits here, one after the other. */
	#hindiSeat: (Seat & { role: RoleName }) | undefined;
	#inHindi: RoleName | null = null;
	readonly keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);

	get database(): TestDatabase {
		return started(this.#database);
	}
	get studio(): Studio {
		return started(this.#studio);
	}
	get browser(): Browser {
		return started(this.#browser);
	}
	/** "Kaveri Books", with the gateways "Razorpay primary" and "Razorpay reserve". */
	get merchant(): TestMerchant {
		return started(this.#merchant);
	}

	async start(): Promise<void> {
		this.#database = await createStudioDatabase();
		this.#merchant = await createMerchant(
			this.database.pool("admin"),
			this.keys,
			{ company_name: "Kaveri Books", gstin: "27AAPFU0939F1ZV" },
			[{ name: "Razorpay primary" }, { name: "Razorpay reserve" }],
		);
		[this.#studio, this.#browser] = await Promise.all([startStudio(this.database.url("studio")), launchBrowser()]);
	}

	async stop(): Promise<void> {
		await this.#browser?.close();
		await this.#studio?.stop();
		await this.#database?.drop();
	}

	/** A page of the studio as a person sees it who has logged in; the test's alone until it ends. */
	async open(view: View, path: string): Promise<Page> {
		const { width = 1280, colorScheme = "light" } = view;
		const show = async (page: Page) => {
			await page.emulateMedia({ colorScheme });
			await page.setViewportSize({ width, height: 900 });
		};
		if (view.is_apart || view.person) {
			const context = await this.#newProfile();
			onTestFinished(() => context.close());
			await this.#logIn(context, view.person ?? (await this.studio.person(view.role)));
			const page = await context.newPage();
			await show(page);
			await page.goto(`${this.studio.url}/admin${path}`);
			return page;
		}

		const seat = view.role === this.#inHindi ? await this.#sitInHindi(view.role) : await this.#sit(view.role);
		const kept = seat.idle.pop();
		const page = kept ?? (await seat.context.newPage());
		onTestFinished(async () => {
			// What a test leaves half done may keep the page from being left; the next test gets a new one then.
			const is_left = !page.isClosed() && (await this.#leave(page));
			if (is_left) seat.idle.push(page);
			else await page.close();
		});
		await show(page);
		if (kept === undefined) await page.goto(`${this.studio.url}/admin${path}`);
		else {
			await foldNavigation(page, width);
			await goWithin(page, path);
		}
		return page;
	}

	/** Another address on an open page: all of the one before is gone, and nothing is loaded that the page has. */
	async visit(page: Page, path: string): Promise<void> {
		if (await this.#leave(page)) await goWithin(page, path);
		else await page.goto(`${this.studio.url}/admin${path}`);
	}

	/** To a page without content, so that nothing of the one before is left. Answers whether that went well. */
	async #leave(page: Page): Promise<boolean> {
		if (!(await goWithin(page, NOWHERE))) return false;
		await page.locator(".v-info", { hasText: /not found|नहीं/i }).waitFor();
		try {
			// Dialogs fade.
			await page.locator("#dialog-outlet .container").first().waitFor({ state: "detached", timeout: LEAVING_MS });
			return true;
		} catch {
			return false;
		}
	}

	#sit(role: RoleName): Promise<Seat> {
		const seat = this.#seats.get(role) ?? this.#takeSeat(role);
		this.#seats.set(role, seat);
		return seat;
	}

	async #takeSeat(role: RoleName): Promise<Seat> {
		const context = await this.#newProfile();
		await this.#logIn(context, await this.studio.person(role));
		return { context, idle: [] };
	}

	/** The studio reads a person's language when it is loaded; once it has been, a profile loads it faster. */
	async #sitInHindi(role: RoleName): Promise<Seat> {
		if (this.#hindiSeat === undefined) this.#hindiSeat = { ...(await this.#takeSeat(role)), role };
		const seat = this.#hindiSeat;
		if (seat.role !== role) {
			await this.#logIn(seat.context, await this.studio.person(role));
			for (const page of seat.idle) await page.goto(`${this.studio.url}/admin${NOWHERE}`);
			seat.role = role;
		}
		return seat;
	}

	async #newProfile(): Promise<BrowserContext> {
		const context = await openContext(this.browser, {
			locale: "en-IN",
			timezoneId: "Asia/Kolkata",
			permissions: ["clipboard-read", "clipboard-write"],
		});
		// Directus opens both side bars on a first visit; on a phone they would lie over the page.
		await context.addInitScript((phones_up_to) => {
			localStorage.setItem("sidebar-collapsed", "true");
			localStorage.setItem("nav-bar-collapsed", String(window.innerWidth < phones_up_to));
		}, PHONES_UP_TO);
		return context;
	}

	async #logIn(context: BrowserContext, { email, password }: { email: string; password: string }): Promise<void> {
		const login = await context.request.post(`${this.studio.url}/auth/login`, {
			data: { email, password, mode: "session" },
		});
		expect(login.ok()).toBe(true);
	}

	async picture(page: Page, name: string): Promise<void> {
		const directory = process.env.SCREENSHOTS;
		if (!directory) return;
		mkdirSync(directory, { recursive: true });
		// Not until the network is idle: a page that is kept up to date never lets it be.
		await page.evaluate(() => document.fonts.ready);
		await page.screenshot({ path: join(directory, `${name}.png`), animations: "disabled" });
	}

	async expectVisible(page: Page, text: string | RegExp): Promise<void> {
		await page.getByText(text).first().waitFor();
	}

	/** Until the test ends, pages opened for the role are in Hindi. */
	async speakHindi(role: RoleName): Promise<void> {
		const { id } = await this.studio.person(role);
		const speak = (language: string | null) =>
			this.query("update directus.directus_users set language = $2 where id = $1", [id, language]);
		await speak("hi-IN");
		this.#inHindi = role;
		// Runs after those that were registered later: after the test's pages were put aside.
		onTestFinished(async () => {
			this.#inHindi = null;
			await speak(null);
		});
	}

	/**
	 * Watches what is shown there, beginning now. The answer waits for the next change and says when it was drawn (the
	 * browser's clock is this machine's).
	 */
	async watch(place: Locator): Promise<() => Promise<number>> {
		const watched = await place.evaluateHandle((element) => ({
			drawn_at: new Promise<number>((resolve) => {
				new MutationObserver(() => requestAnimationFrame(() => resolve(Date.now()))).observe(element, {
					characterData: true,
					childList: true,
					subtree: true,
				});
			}),
		}));
		return () => watched.evaluate(({ drawn_at }) => drawn_at);
	}

	/**
	 * Keeps the next such request from being answered. What it answers waits until the request is made, does what should
	 * happen meanwhile, and then lets the answer come.
	 */
	async holdBack(page: Page, method: string, url: RegExp): Promise<(meanwhile: () => Promise<void>) => Promise<void>> {
		const made = Promise.withResolvers<void>();
		const released = Promise.withResolvers<void>();
		await page.route(url, async (route) => {
			if (route.request().method() !== method) return route.fallback();
			made.resolve();
			await released.promise;
			await route.continue();
		});
		return async (meanwhile) => {
			await made.promise;
			await meanwhile();
			const answered = page.waitForResponse((response) => url.test(response.url()));
			released.resolve();
			await (await answered).finished();
			await page.unroute(url);
		};
	}

	/** Nothing that axe finds, and nothing wider than the screen. */
	async expectAccessible(page: Page, selector: string): Promise<void> {
		// Colours between two states are nobody's choice.
		await page.evaluate(() =>
			Promise.allSettled(
				document
					.getAnimations()
					.filter((each) => Number.isFinite(each.effect?.getComputedTiming().endTime))
					.map((each) => each.finished),
			),
		);
		expect(await accessibilityViolations(page, selector)).toEqual([]);
		expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0);
	}

	/** Rows of a statement of the superuser. */
	async query<Row>(text: string, values: unknown[] = []): Promise<Row[]> {
		return (await this.database.pool("admin").query(text, values)).rows as Row[];
	}

	/** A payment of the merchant's that its PSP has taken. Answers the transaction's id. */
	async pay(order_id: string, amount: number): Promise<string> {
		const started = await startPayment(this.database, this.merchant, { order_id, amount });
		const jobs = this.database.pool("jobs");
		await beginPspOrder(jobs, started.attempt_id);
		await recordPspOrder(jobs, {
			attempt_id: started.attempt_id,
			psp_order_id: `order_${order_id}`,
			presentation: { kind: "redirect", url: "https://psp.example.com", method: "GET", fields: {} },
			latency_ms: 84,
		});
		await settleAttempt(
			jobs,
			started.attempt_id,
			attemptState("succeeded", {
				psp_payment_id: `pay_${order_id}`,
				amount,
				bank_reference: "412345678901",
				fee: 2_916,
			}),
		);
		return started.transaction_id;
	}
}

const NOWHERE = "/nowhere";
/** A page whose dialog is there still is given up. */
const LEAVING_MS = 20_000;
const PHONES_UP_TO = 960;

/** Another address of the studio, as a link leads there: nothing is loaded anew. Answers whether the studio let go of the page. */
async function goWithin(page: Page, path: string): Promise<boolean> {
	await page.waitForFunction(() => document.querySelector<Mounted>("#app")?.__vue_app__ !== undefined);
	return page.evaluate(async (address) => {
		const router = document.querySelector<Mounted>("#app")!.__vue_app__.config.globalProperties.$router;
		await router.isReady();
		await router.push(address);
		return router.currentRoute.value.path === address.split("?")[0];
	}, path);
}

interface Mounted extends Element {
	__vue_app__: {
		config: {
			globalProperties: {
				$router: {
					isReady(): Promise<void>;
					/** Resolves when the page is there, or when the one before would not be left. */
					push(path: string): Promise<unknown>;
					currentRoute: { value: { path: string } };
				};
			};
		};
	};
}

/** As the studio has it when it is loaded on a screen of this width; another tab would tell it so. */
function foldNavigation(page: Page, width: number): Promise<unknown> {
	return page.evaluate((is_folded) => {
		const told = { key: "nav-bar-collapsed", newValue: String(is_folded), storageArea: localStorage };
		dispatchEvent(new StorageEvent("storage", told));
	}, width < PHONES_UP_TO);
}

function started<T>(part: T | undefined): T {
	if (part === undefined) throw new Error("The stage has not been started: call start() in beforeAll.");
	return part;
}
