/**
 * What the words of a bank's line say of a UPI payment. Some of the words are the payer's own (name, VPA, note): where
 * something of theirs could pass for what the bank wrote, nothing is said.
 */

const TWELVE_DIGITS = /(?<![A-Za-z0-9])\d{12}(?![A-Za-z0-9])/g;
const VPA = /[A-Za-z0-9._-]{2,}@[A-Za-z][A-Za-z0-9]+/g;

/** Where banks themselves put the UTR, with nothing of the payer's before it that could look the same. */
const bankPositions: readonly RegExp[] = [
	// UPI/CR/123456789012/… (SBI, PNB, Canara; at SBI after "BY TRANSFER-" or "DEP TFR "), UPI/P2A/… (Axis), UPI/123456789012/…
	// (Baroda, IndusInd, Yes), UPIAR/… (Union), UPI IN/… (Federal), UPI/CR/C123456789012/… (Bandhan), IMPS/P2A/…, MMT/IMPS/…
	/^(?:[A-Z ]+[-/ ])?(?:UPI[A-Z]{0,3}|IMPS)[-/: ]+(?:(?:CR|P2A|P2M|P2P|REV|IN|MOB)[-/: ]+)?C?(\d{12})(?![A-Za-z0-9]|[\w.-]*@)/i,
	// UPI-NAME-vpa@bank-IFSC-123456789012-note (HDFC)
	/^UPI-.*?-[A-Z]{4}0[A-Z0-9]{6}-(\d{12})(?![A-Za-z0-9]|[\w.-]*@)/i,
];

/**
 * The twelve digits of a UPI or IMPS payment: out of a column of its own, else from where the bank puts it, else the only
 * twelve digit number there is. A VPA may be a telephone number, so VPAs are left out.
 */
export function utrIn(narration: string, references: readonly string[]): string | null {
	for (const reference of references) {
		const utr = utrInReference(reference);
		if (utr !== null) return utr;
	}
	for (const position of bankPositions) {
		const utr = position.exec(narration)?.[1];
		if (utr !== undefined) return utr;
	}
	const numbers = new Set(narration.replace(VPA, " ").match(TWELVE_DIGITS));
	return numbers.size === 1 ? [...numbers][0]! : null;
}

/**
 * HDFC pads it with zeros to sixteen digits, Kotak writes UPI- before it. A UTR begins with the last digit of the year and the
 * day of the year, so four zeros are the padding of a shorter number, such as a cheque's.
 */
function utrInReference(cell: string): string | null {
	return /^(?:UPI|IMPS)?[-/: ]*0{0,8}?((?!0000)\d{12})$/i.exec(cell)?.[1] ?? null;
}

export function payerIn(narration: string): string | null {
	// Where hyphens separate, the name before the VPA would be taken for a part of it: VPAs may have hyphens too.
	const words = narration.replace(/^UPI-[^-@]*-/i, "");
	return words.match(VPA)?.[0] ?? null;
}
