/** What the operations of flows share in the Flows page. */

interface Words {
	en: string;
	hi: string;
}

/** Operations are described before there is a page to ask for its language; Directus writes it on the document. */
export const speak = ({ en, hi }: Words): string => (document.documentElement.lang.startsWith("hi") ? hi : en);

export const words = (en: string, hi: string): Words => ({ en, hi });

interface FormField {
	field: string;
	name: string;
	type: "string" | "integer" | "json";
	meta: {
		interface: string;
		width: "half" | "full";
		required?: boolean;
		note?: string;
		options?: object;
	};
	schema?: { default_value: unknown };
}

interface More {
	required?: boolean;
	note?: Words;
	width?: "half" | "full";
	placeholder?: string;
	preset?: unknown;
}

function field(
	name: string,
	label: Words,
	type: FormField["type"],
	widget: string,
	options: object,
	more: More,
): FormField {
	return {
		field: name,
		name: speak(label),
		type,
		meta: {
			interface: widget,
			width: more.width ?? "full",
			...(more.required && { required: true }),
			...(more.note && { note: speak(more.note) }),
			options: { ...options, ...(more.placeholder && { placeholder: more.placeholder }) },
		},
		...(more.preset !== undefined && { schema: { default_value: more.preset } }),
	};
}

export const line = (name: string, label: Words, more: More = {}): FormField =>
	field(
		name,
		label,
		"string",
		"input",
		{ font: more.placeholder?.startsWith("{{") ? "monospace" : "sans-serif" },
		more,
	);

export const whole = (name: string, label: Words, min: number, max: number, more: More = {}): FormField =>
	field(name, label, "integer", "input", { min, max }, more);

export const oneOf = (
	name: string,
	label: Words,
	choices: [value: string, text: Words][],
	more: More = {},
): FormField => field(name, label, "string", "select-dropdown", { choices: spoken(choices) }, more);

export const severalOf = (
	name: string,
	label: Words,
	choices: [value: string, text: Words][],
	more: More = {},
): FormField =>
	field(name, label, "json", "select-multiple-checkbox", { choices: spoken(choices), itemsShown: 20 }, more);

export const object = (name: string, label: Words, more: More = {}): FormField =>
	field(name, label, "json", "input-code", { language: "json" }, more);

const spoken = (choices: [value: string, text: Words][]) =>
	choices.map(([value, text]) => ({ value, text: speak(text) }));

/** What the operation's tile in a flow says of itself. */
export const overview = (...lines: [Words, unknown][]) =>
	lines.map(([label, value]) => ({
		label: speak(label),
		text: value === undefined || value === null ? "--" : String(value),
	}));
