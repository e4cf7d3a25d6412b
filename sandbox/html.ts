const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text that is markup already. */
export class Html {
	readonly text: string;

	constructor(text: string) {
		this.text = text;
	}
}

type Value = Html | string | number | null | undefined | false | Value[];

function render(value: Value): string {
	if (value === null || value === undefined || value === false) return "";
	if (value instanceof Html) return value.text;
	if (Array.isArray(value)) return value.map(render).join("");
	return String(value).replace(/[&<>"']/g, (character) => ESCAPES[character]!);
}

/** Everything put into the template is escaped unless it came from this tag itself. */
export function html(strings: TemplateStringsArray, ...values: Value[]): Html {
	let text = strings[0]!;
	for (const [index, value] of values.entries()) text += render(value) + strings[index + 1]!;
	return new Html(text);
}

/** ₹1,23,456.00 */
export function rupees(amount: number, currency = "INR"): string {
	return new Intl.NumberFormat("en-IN", { style: "currency", currency }).format(amount / 100);
}
