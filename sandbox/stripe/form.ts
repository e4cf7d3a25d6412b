export type FormValue = string | FormValue[] | { [name: string]: FormValue };
export type Form = Record<string, FormValue>;

interface Branch {
	[name: string]: Branch | string;
}

/** Deeper than any parameter of Stripe's. */
const MAX_DEPTH = 12;

/** Reads `line_items[0][price_data][currency]=inr&expand[]=customer`, the way Stripe's bodies and queries are written. */
export function parseForm(text: string): Form {
	const root: Branch = Object.create(null);
	for (const [name, value] of new URLSearchParams(text)) {
		const [, first = "", rest = ""] = /^([^[]*)(.*)$/s.exec(name) ?? [];
		const path = [first, ...[...rest.matchAll(/\[([^\]]*)\]/g)].map(([, part = ""]) => part)].slice(0, MAX_DEPTH);
		let branch = root;
		for (const part of path.slice(0, -1)) {
			const key = part === "" ? String(Object.keys(branch).length) : part;
			const next = branch[key];
			const child: Branch = typeof next === "object" ? next : Object.create(null);
			branch[key] = child;
			branch = child;
		}
		const last = path.at(-1)!;
		branch[last === "" && path.length > 1 ? String(Object.keys(branch).length) : last] = value;
	}
	return Object.fromEntries(Object.entries(root).map(([name, value]) => [name, settle(value)]));
}

/** Numbered from 0 is a list. */
function settle(value: Branch | string): FormValue {
	if (typeof value === "string") return value;
	const entries = Object.entries(value);
	if (entries.every(([name], index) => name === String(index))) return entries.map(([, item]) => settle(item));
	return Object.fromEntries(entries.map(([name, item]) => [name, settle(item)]));
}

/** ["line_items", 0, "quantity"] as Stripe names it in errors. */
export function paramName(path: readonly PropertyKey[]): string {
	const [first, ...rest] = path.map(String);
	return `${first ?? ""}${rest.map((part) => `[${part}]`).join("")}`;
}
