/** Amounts as Indian invoices print them. Written out here rather than left to Intl, whose data changes with Node's releases. */

/** 12345678 paise to "1,23,456.78"; a minus sign goes before it. */
export function formatPaise(paise: number): string {
	const digits = String(Math.abs(paise)).padStart(3, "0");
	const rupees = digits.slice(0, -2);
	const head = rupees.slice(0, -3).replace(/\B(?=(\d\d)+$)/g, ",");
	return `${paise < 0 ? "−" : ""}${head === "" ? "" : `${head},`}${rupees.slice(-3)}.${digits.slice(-2)}`;
}

const ONES = [
	"",
	"One",
	"Two",
	"Three",
	"Four",
	"Five",
	"Six",
	"Seven",
	"Eight",
	"Nine",
	"Ten",
	"Eleven",
	"Twelve",
	"Thirteen",
	"Fourteen",
	"Fifteen",
	"Sixteen",
	"Seventeen",
	"Eighteen",
	"Nineteen",
];
const TENS = ["", "", "Twenty", "Thirty", "Forty", "Fifty", "Sixty", "Seventy", "Eighty", "Ninety"];

function belowHundred(value: number): string {
	if (value < 20) return ONES[value]!;
	const one = ONES[value % 10]!;
	return one === "" ? TENS[Math.floor(value / 10)]! : `${TENS[Math.floor(value / 10)]}-${one}`;
}

/** In crore, lakh, thousand and hundred; more than 99 crore are counted in crore ("Twelve Thousand Crore"). */
function inWords(value: number): string {
	const parts: string[] = [];
	const crore = Math.floor(value / 10_000_000);
	if (crore > 0) parts.push(`${inWords(crore)} Crore`);
	const lakh = Math.floor(value / 100_000) % 100;
	if (lakh > 0) parts.push(`${belowHundred(lakh)} Lakh`);
	const thousand = Math.floor(value / 1000) % 100;
	if (thousand > 0) parts.push(`${belowHundred(thousand)} Thousand`);
	const hundred = Math.floor(value / 100) % 10;
	if (hundred > 0) parts.push(`${ONES[hundred]} Hundred`);
	const rest = value % 100;
	if (rest > 0) parts.push(belowHundred(rest));
	return parts.join(" ");
}

/** 12345678 paise to "Rupees One Lakh Twenty-Three Thousand Four Hundred Fifty-Six and Seventy-Eight Paise Only". */
export function rupeesInWords(paise: number): string {
	const rupees = Math.floor(paise / 100);
	const rest = paise % 100;
	const whole = `Rupees ${rupees === 0 ? "Zero" : inWords(rupees)}`;
	return rest === 0 ? `${whole} Only` : `${whole} and ${belowHundred(rest)} Paise Only`;
}
