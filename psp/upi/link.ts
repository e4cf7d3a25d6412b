/**
 * The link that UPI apps open, as it is or out of a QR code. NPCI's linking specification 1.6: `pa` payee VPA, `pn` payee
 * name, `tr` our reference, `tn` note, `am` rupees, `cu` always INR, `mc` the merchant's category, `mode` how it got to the app.
 */

/** The same pattern holds in the database, where the VPA is the gateway's key. */
const VPA = /^[A-Za-z0-9._-]{2,256}@[A-Za-z][A-Za-z0-9]{1,63}$/;

const MAX_NAME = 99;
const MAX_NOTE = 50;

/**
 * The link is shown as a QR code and as a button at once, and must be the same for both, so neither mode 01 (QR) nor 04
 * (intent) would be true of it. 00 is the specification's default; every other mode that fits needs a bank's signature.
 */
const MODE = "00";

export interface UpiLink {
	vpa: string;
	payee_name: string;
	reference: string;
	note: string;
	/** Integer paise. */
	amount: number;
	merchant_category: string | null;
}

export function isVpa(value: string): boolean {
	return VPA.test(value);
}

/**
 * What the payer's app sends as `tr`, what opens the note, and so what both bank statements show: "LS" and the last sixteen
 * hexadecimal digits of the attempt's uuid, 62 of whose bits are random. The specification allows 35 characters, but banks
 * cut notes at about twenty. The letters keep it from being read as one of the twelve digit numbers around it.
 */
export function linkReference(reference: string): string {
	return `LS${reference.replaceAll("-", "").slice(-16).toUpperCase()}`;
}

/**
 * The reference first, since banks cut the end, then the merchant's order id for whoever reads the statement. Banks use
 * hyphens and slashes as separators, so there are none. An order id with a twelve digit number stays out: on the
 * statement it could be taken for the UTR.
 */
export function linkNote(link_reference: string, order_id: string): string {
	const words = order_id.replace(/[^A-Za-z0-9]+/g, " ").trim();
	return /(?<!\d)\d{12}(?!\d)/.test(words)
		? link_reference
		: `${link_reference} ${words}`.trim().slice(0, MAX_NOTE).trim();
}

export function linkName(name: string): string {
	return [...name.replace(/[\p{Cc}\p{Cf}]+/gu, " ").trim()].slice(0, MAX_NAME).join("");
}

export function upiUri(link: UpiLink): string {
	const parameters: [string, string][] = [
		["pa", link.vpa],
		["pn", link.payee_name],
		["tr", link.reference],
		["tn", link.note],
		["am", rupees(link.amount)],
		["cu", "INR"],
		...(link.merchant_category === null ? [] : [["mc", link.merchant_category] as [string, string]]),
		["mode", MODE],
	];
	return `upi://pay?${parameters.map(([name, value]) => `${name}=${encode(value)}`).join("&")}`;
}

/** UPI apps show a plus sign as it is, so a space must be %20. The @ of a VPA stays: some apps do not decode it. */
function encode(value: string): string {
	return encodeURIComponent(value).replaceAll("%40", "@");
}

function rupees(paise: number): string {
	const digits = String(paise).padStart(3, "0");
	return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
