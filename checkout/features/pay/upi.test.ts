import { describe, expect, it } from "vitest";
import { platformOf, qrCode, upiAppLinks } from "./upi.ts";

const URI = "upi://pay?pa=kaveri@okbank&pn=Kaveri%20Books&tr=LSP1&am=499.03&cu=INR";

describe("qrCode", () => {
	it("draws the three corners inside a quiet zone of four modules", () => {
		const { path, size } = qrCode(URI);
		const side = size - 8;
		expect((side - 17) % 4).toBe(0);
		const dark = drawn(path);
		for (const [x, y] of [
			[4, 4],
			[4 + side - 7, 4],
			[4, 4 + side - 7],
		] as const) {
			expect(square(dark, x, y)).toEqual(["1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111"]);
		}
		for (const module of dark) {
			for (const at of module.split(",").map(Number)) {
				expect(at).toBeGreaterThanOrEqual(4);
				expect(at).toBeLessThan(size - 4);
			}
		}
	});

	it("is another for another amount", () => {
		expect(qrCode(URI.replace("499.03", "499.04")).path).not.toBe(qrCode(URI).path);
	});
});

/** The dark modules of a path, as a browser would stroke it. */
function drawn(path: string): Set<string> {
	const dark = new Set<string>();
	let [x, y] = [0, 0];
	for (const [, command, first, second] of path.matchAll(/([Mmh])([\d.]+)(?: ([\d.]+))?/g)) {
		if (command === "M") [x, y] = [Number(first), Math.floor(Number(second))];
		else if (command === "m") x += Number(first);
		else for (const end = x + Number(first); x < end; x++) dark.add(`${x},${y}`);
	}
	return dark;
}

function square(dark: Set<string>, left: number, top: number): string[] {
	return Array.from({ length: 7 }, (_, y) =>
		Array.from({ length: 7 }, (_, x) => (dark.has(`${left + x},${top + y}`) ? "1" : "0")).join(""),
	);
}

describe("upiAppLinks", () => {
	it("names the package on Android and the app's own scheme on iOS, with the same payment", () => {
		const payment = URI.slice("upi://pay".length);
		expect(upiAppLinks(URI, "android")).toContainEqual({
			name: "PhonePe",
			href: `intent://pay${payment}#Intent;scheme=upi;package=com.phonepe.app;end`,
		});
		expect(upiAppLinks(URI, "ios")).toContainEqual({ name: "Google Pay", href: `gpay://upi/pay${payment}` });
		expect(upiAppLinks(URI, "other")).toEqual([]);
	});

	it.each([
		["Mozilla/5.0 (Linux; Android 14; SM-A146B) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36", "android"],
		["Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148", "ios"],
		["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36", "other"],
		[undefined, "other"],
	])("%s is %s", (user_agent, platform) => {
		expect(platformOf(user_agent)).toBe(platform);
	});
});
