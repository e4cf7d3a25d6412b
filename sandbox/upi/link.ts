/** A `upi://pay` link as an app reads it, out of a QR code or from a button. */
export interface PayLink {
	uri: string;
	vpa: string;
	payee_name: string;
	/** null: the link leaves it to the payer. Integer paise. */
	amount: number | null;
	/** `tr`, which the payee's bank gets as the reference. */
	reference: string | null;
	note: string;
	merchant_category: string | null;
}

export type LinkReading = { ok: true; link: PayLink } | { ok: false; problem: string };

const VPA = /^[A-Za-z0-9._-]{2,256}@[A-Za-z][A-Za-z0-9]{1,63}$/;
const MAX_URI = 2_000;

function no(problem: string): LinkReading {
	return { ok: false, problem };
}

/** Apps are strict, and each in its own way; this one refuses whatever one of them is known to refuse. */
export function readLink(uri: string): LinkReading {
	if (uri.length > MAX_URI) return no(`A link may have ${MAX_URI} characters.`);
	const [, query] = /^upi:\/\/pay\?(.+)$/.exec(uri) ?? [];
	if (query === undefined) return no("The link does not begin with upi://pay?");
	const fields = new Map<string, string>();
	for (const part of query.split("&")) {
		const [, name, encoded] = /^([A-Za-z]+)=(.*)$/s.exec(part) ?? [];
		if (name === undefined || encoded === undefined) return no(`“${part}” is no parameter.`);
		if (fields.has(name)) return no(`The parameter ${name} comes twice.`);
		// A form's plus sign for a space would be shown to the payer as a plus sign.
		if (encoded.includes("+")) return no(`The parameter ${name} has a plus sign; a space is %20.`);
		try {
			fields.set(name, decodeURIComponent(encoded));
		} catch {
			return no(`The parameter ${name} is not encoded well.`);
		}
	}
	const { pa = "", pn = "", am, cu = "INR", tr, tn = "", mc } = Object.fromEntries(fields) as Record<string, string>;
	if (!VPA.test(pa)) return no("pa is not a VPA.");
	if (pn.trim() === "") return no("pn, the payee's name, is missing.");
	if (cu !== "INR") return no("cu must be INR.");
	if (am !== undefined && !/^\d{1,12}\.\d{2}$/.test(am)) return no("am is not an amount such as 100.00.");
	if (am !== undefined && Number(am) === 0) return no("am is zero.");
	if (tr !== undefined && !/^[A-Za-z0-9]{1,35}$/.test(tr)) return no("tr must have 1 to 35 letters and digits.");
	if (tn.length > 80) return no("tn is longer than 80 characters.");
	if (mc !== undefined && !/^\d{4}$/.test(mc)) return no("mc must have four digits.");
	return {
		ok: true,
		link: {
			uri,
			vpa: pa,
			payee_name: pn,
			amount: am === undefined ? null : Number(am.replace(".", "")),
			reference: tr ?? null,
			note: tn,
			merchant_category: mc ?? null,
		},
	};
}
