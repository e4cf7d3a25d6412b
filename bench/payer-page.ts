/** The payer's page as a telephone on a slow network gets it: bytes of all that it loads, and when its largest part is painted. */
import { crc32, deflateSync } from "node:zlib";
import type { Browser } from "playwright-core";
import { beginPspOrder, recordPspOrder } from "../db/client/attempts.ts";
import { createConnection } from "../db/client/connection.ts";
import { initiatePayments } from "../db/client/payments.ts";
import { createPool } from "../db/client/pool.ts";
import { createStatusToken } from "../db/client/status-token.ts";
import { hasBrowser, launchBrowser } from "../test/browser.ts";
import { type Figures, NotHere, type Shape } from "./goal.ts";
import { checkout } from "./parts.ts";
import type { Scene } from "./scene.ts";
import { median } from "./verdict.ts";

const NETWORK = { offline: false, latency: 150, downloadThroughput: 1_600_000 / 8, uploadThroughput: 750_000 / 8 };
/** A telephone's processor beside this one. */
const CPU_RATE = 4;
const VISITS = 5;
/** What a payer can come upon, by how the provider is reached. */
const PRESENTATIONS = {
	form: {
		kind: "form",
		url: "https://psp.test/pay",
		fields: { key_id: "rzp_test", order_id: "order_1", prefill: "1" },
	},
	redirect: { kind: "redirect", url: "https://psp.test/pay" },
	script: { kind: "script", script_url: "https://psp.test/sdk.js", session: { id: "session_1" } },
	upi: {
		kind: "upi",
		uri: "upi://pay?pa=merchant%40okbank&pn=A%20merchant&am=100.00&cu=INR&tr=LSP0199F3A25B1C7D4E&tn=Order",
		payee_vpa: "merchant@okbank",
		payee_name: "A merchant",
		amount: 10_000,
		reference: "LSP0199F3A25B1C7D4E",
		expires_at: new Date(Date.now() + 600_000).toISOString(),
	},
};

export interface PageFigures extends Figures {
	/** Of the largest of the pages, with a logo of the greatest size that a merchant can have. */
	kilobytes: number;
	/** And without a logo. */
	kilobytes_plain: number;
	/** Largest contentful paint of the slowest page, the median of its visits with an empty cache. */
	lcp_ms: number;
	/** The slowest visit of all. */
	lcp_slowest_ms: number;
}

export const payerPage: Shape<PageFigures> = {
	name: `payer's page, ${Object.keys(PRESENTATIONS).join(", ")}; 1.6 Mbit/s, 150 ms, a processor ${CPU_RATE} times slower`,
	needs: [checkout],
	when: "once",
	takes_seconds: 60,
	async measure(scene) {
		if (!hasBrowser()) throw new NotHere("there is no Chromium here");
		const browser = await launchBrowser();
		try {
			const plain = await visitAll(browser, await makePages(scene));
			await giveLogos(scene);
			const branded = await visitAll(browser, await makePages(scene));
			const all = [...plain, ...branded];
			const most = (numbers: number[]) => Math.max(...numbers);
			return {
				kilobytes: most(branded.map(({ bytes }) => bytes)) / 1_000,
				kilobytes_plain: most(plain.map(({ bytes }) => bytes)) / 1_000,
				lcp_ms: most(all.map(({ lcps }) => median(lcps))),
				lcp_slowest_ms: most(all.flatMap(({ lcps }) => lcps)),
			};
		} finally {
			await browser.close();
		}
	},
};

/** An address for each presentation. */
async function makePages(scene: Scene): Promise<string[]> {
	const pool = createPool({ connectionString: scene.url("checkout"), application_name: "bench", max: 1 });
	const jobs = createPool({ connectionString: scene.url("jobs"), application_name: "bench", max: 1 });
	const admin = createConnection({ connectionString: scene.admin_url });
	await admin.connect();
	const urls: string[] = [];
	for (const [kind, presentation] of Object.entries(PRESENTATIONS)) {
		const { id, client_key } = scene.merchants[0]!;
		const order_id = `page-${kind}-${Date.now()}`;
		const [result] = await initiatePayments(pool, [
			{ client_id: id, client_key, order_id, amount: 10_000, currency: "INR" },
		]);
		if (!result?.ok) throw result?.error ?? new Error("no answer");
		const { rows } = await admin.query<{ id: string }>(
			"select id from public.payment_attempts where transaction_id = $1",
			[result.transaction_id],
		);
		const attempt_id = rows[0]!.id;
		await beginPspOrder(jobs, attempt_id);
		await recordPspOrder(jobs, { attempt_id, psp_order_id: `order_${attempt_id}`, presentation, latency_ms: 5 });
		const token = createStatusToken(Buffer.from(scene.status_token_key, "base64"), result.transaction_id);
		// left: else it leads on to the PSP by itself.
		urls.push(`${scene.of(checkout).url}/pay/${result.transaction_id}?${new URLSearchParams({ token, left: "1" })}`);
	}
	await Promise.all([pool.end(), jobs.end(), admin.end()]);
	return urls;
}

async function visitAll(browser: Browser, urls: string[]): Promise<{ bytes: number; lcps: number[] }[]> {
	const visited: { bytes: number; lcps: number[] }[] = [];
	for (const url of urls) {
		const visits: { bytes: number; lcp: number }[] = [];
		for (let i = 0; i < VISITS; i++) visits.push(await visit(browser, url));
		visited.push({
			bytes: Math.max(...visits.map(({ bytes }) => bytes)),
			lcps: visits.map(({ lcp }) => lcp),
		});
	}
	return visited;
}

/** With an empty cache, on a telephone's screen. */
async function visit(browser: Browser, url: string): Promise<{ bytes: number; lcp: number }> {
	const context = await browser.newContext({
		viewport: { width: 360, height: 740 },
		deviceScaleFactor: 2,
		isMobile: true,
	});
	try {
		const page = await context.newPage();
		const devtools = await context.newCDPSession(page);
		await devtools.send("Network.enable");
		await devtools.send("Network.emulateNetworkConditions", NETWORK);
		await devtools.send("Emulation.setCPUThrottlingRate", { rate: CPU_RATE });
		let bytes = 0;
		devtools.on("Network.loadingFinished", ({ encodedDataLength }) => {
			bytes += encodedDataLength;
		});
		await page.goto(url, { waitUntil: "load" });
		const lcp = (await page.evaluate(`new Promise((resolve) => {
			new PerformanceObserver((list) => setTimeout(() => resolve(list.getEntries().at(-1).startTime), 500))
				.observe({ type: "largest-contentful-paint", buffered: true });
		})`)) as number;
		return { bytes, lcp };
	} finally {
		await context.close();
	}
}

/** A picture that cannot be made smaller, of nearly the greatest size that is taken. */
async function giveLogos(scene: Scene): Promise<void> {
	const admin = createConnection({ connectionString: scene.admin_url });
	await admin.connect();
	await admin.query(
		`update public.clients set logo_sha256 = public.store_client_logo($1, 'image/png', $2, 'bench') where id = $1`,
		[scene.merchants[0]!.id, noise(102)],
	);
	await admin.end();
}

/** A PNG of `side` × `side` coloured dots. */
function noise(side: number): Buffer {
	const rows = Buffer.concat(
		Array.from({ length: side }, () => Buffer.concat([Buffer.of(0), crypto.getRandomValues(Buffer.alloc(side * 3))])),
	);
	const size = Buffer.alloc(8);
	size.writeUInt32BE(side, 0);
	size.writeUInt32BE(side, 4);
	const chunk = (type: string, data: Buffer) => {
		const body = Buffer.concat([Buffer.from(type), data]);
		const frame = Buffer.alloc(8);
		frame.writeUInt32BE(data.length, 0);
		frame.writeUInt32BE(crc32(body), 4);
		return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
	};
	return Buffer.concat([
		Buffer.from("89504e470d0a1a0a", "hex"),
		chunk("IHDR", Buffer.concat([size, Buffer.of(8, 2, 0, 0, 0)])),
		chunk("IDAT", deflateSync(rows)),
		chunk("IEND", Buffer.alloc(0)),
	]);
}
