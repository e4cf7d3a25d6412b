/** What a payer needs to pay by UPI: a code to scan, links that open an app, and the number that proves the payment. */
import QRCode from "qrcode";

export interface QrCode {
	/** For <path d>, drawn with strokes one unit wide. */
	path: string;
	/** Units a side, the quiet zone included. */
	size: number;
}

/** Light modules that scanners need around the code (ISO/IEC 18004). */
const QUIET_ZONE = 4;

export function qrCode(text: string): QrCode {
	const { modules } = QRCode.create(text, { errorCorrectionLevel: "M" });
	let path = "";
	for (let row = 0; row < modules.size; row++) {
		let from = 0;
		for (let column = 0; column < modules.size; ) {
			const start = column;
			const is_dark = modules.get(row, column);
			while (column < modules.size && modules.get(row, column) === is_dark) column++;
			if (!is_dark) continue;
			path += from === 0 ? `M${start + QUIET_ZONE} ${row + QUIET_ZONE}.5` : `m${start - from} 0`;
			path += `h${column - start}`;
			from = column;
		}
	}
	return { path, size: modules.size + 2 * QUIET_ZONE };
}

export type Platform = "android" | "ios" | "other";

export function platformOf(user_agent: string | undefined): Platform {
	if (/\bAndroid\b/.test(user_agent ?? "")) return "android";
	return /\b(iPhone|iPad|iPod)\b/.test(user_agent ?? "") ? "ios" : "other";
}

/** The four that most of India pays with. Names are their owners' and are not translated. */
const APPS = [
	{ name: "PhonePe", package: "com.phonepe.app", ios: "phonepe://pay" },
	{ name: "Google Pay", package: "com.google.android.apps.nbu.paisa.user", ios: "gpay://upi/pay" },
	{ name: "Paytm", package: "net.one97.paytm", ios: "paytmmp://pay" },
	{ name: "BHIM", package: "in.org.npci.upiapp", ios: "bhim://pay" },
];

/**
 * Links to single apps, for a upi://pay? link. Android opens a package, or its page in the store; iOS knows an app only by a
 * scheme of its own, and gives upi: to any one of those installed.
 */
export function upiAppLinks(uri: string, platform: Platform): { name: string; href: string }[] {
	const query = uri.slice(uri.indexOf("?"));
	switch (platform) {
		case "android":
			return APPS.map((app) => ({
				name: app.name,
				href: `intent://pay${query}#Intent;scheme=upi;package=${app.package};end`,
			}));
		case "ios":
			return APPS.map((app) => ({ name: app.name, href: app.ios + query }));
		case "other":
			return [];
	}
}
