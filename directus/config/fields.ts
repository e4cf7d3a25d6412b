/**
 * Vocabulary for describing collections. A field here is one row of directus_fields, nothing more: tables, columns and keys
 * belong to db/migrations.
 */

export interface Label {
	en: string;
	hi: string;
}

export interface Field {
	field: string;
	label: Label;
	special?: string[];
	interface?: string;
	options?: object;
	display?: string;
	displayOptions?: object;
	readonly?: boolean;
	hidden?: boolean;
	required?: boolean;
	width?: "half" | "full" | "fill";
	note?: string;
	group?: string;
	/** Directus filter that a written value must satisfy; mirrors a CHECK, which would answer with an error 500. */
	validation?: object;
	validationMessage?: string;
	searchable?: boolean;
	/** What changes while other values of the form are such; the last that applies counts. */
	conditions?: Condition[];
}

export interface Condition {
	name: string;
	rule: object;
	hidden?: boolean;
	required?: boolean;
	readonly?: boolean;
	options?: object;
}

export interface Collection {
	collection: string;
	/** Absent for a folder of the navigation. */
	label: Label;
	singular?: Label;
	icon: string;
	color?: string;
	note?: string;
	folder?: string;
	template?: string;
	hidden?: boolean;
	fields?: Field[];
	/** Columns of the list, and what it is ordered by. */
	list?: { fields: string[]; sort: string; widths?: Record<string, number>; refreshSeconds?: number };
	bookmarks?: Bookmark[];
}

export interface Bookmark {
	name: string;
	icon: string;
	color?: string;
	filter: object;
}

export interface Relation {
	collection: string;
	field: string;
	to: string;
	/** Alias field on the other side. Only where few rows belong to one: Directus reads their keys with every item. */
	reverse?: string;
}

type More = Partial<Field>;
type Colour = "green" | "blue" | "amber" | "red" | "grey" | "purple";

export const label = (en: string, hi: string): Label => ({ en, hi });

const CHIPS: Record<Colour, { foreground: string; background: string }> = {
	green: { foreground: "var(--theme--success)", background: "var(--theme--success-background)" },
	blue: { foreground: "var(--theme--primary)", background: "var(--theme--primary-background)" },
	amber: { foreground: "var(--theme--warning)", background: "var(--theme--warning-background)" },
	red: { foreground: "var(--theme--danger)", background: "var(--theme--danger-background)" },
	grey: { foreground: "var(--theme--foreground-subdued)", background: "var(--theme--background-normal)" },
	purple: { foreground: "var(--theme--secondary)", background: "var(--theme--secondary-background)" },
};

const optional = (field: string, rule: object): object => ({
	_or: [{ [field]: { _null: true } }, { [field]: rule }],
});

/** A section of the form that folds. */
export function section(field: string, text: Label, icon: string, start: "open" | "closed" = "open"): Field {
	return {
		field,
		label: text,
		special: ["alias", "no-data", "group"],
		interface: "group-detail",
		options: { headerIcon: icon, start },
		width: "full",
	};
}

export function text(field: string, name: Label, more: More = {}): Field {
	return { field, label: name, interface: "input", options: { trim: true }, width: "half", ...more };
}

export function pattern(field: string, name: Label, regex: string, message: string, more: More = {}): Field {
	return text(field, name, { validation: optional(field, { _regex: regex }), validationMessage: message, ...more });
}

export function number(
	field: string,
	name: Label,
	range: { min?: number; max?: number },
	message: string,
	more: More = {},
): Field {
	const rule = {
		...(range.min === undefined ? {} : { _gte: range.min }),
		...(range.max === undefined ? {} : { _lte: range.max }),
	};
	return {
		field,
		label: name,
		interface: "input",
		options: range,
		width: "half",
		...(Object.keys(rule).length > 0 ? { validation: optional(field, rule), validationMessage: message } : {}),
		...more,
	};
}

/** Paise in the column, rupees for the person. */
export function money(field: string, name: Label, more: More = {}): Field {
	return {
		field,
		label: name,
		interface: "lightspeedpay-rupees",
		display: "lightspeedpay-rupees",
		width: "half",
		...(more.readonly
			? {}
			: {
					validation: optional(field, { _gte: 1 }),
					validationMessage: "Enter an amount above zero, or leave it empty.",
				}),
		...more,
	};
}

export function toggle(field: string, name: Label, more: More = {}): Field {
	return {
		field,
		label: name,
		special: ["cast-boolean"],
		interface: "boolean",
		display: "boolean",
		displayOptions: {
			labelOn: "Yes",
			labelOff: "No",
			iconOn: "check_circle",
			iconOff: "do_not_disturb_on",
			colorOn: "var(--theme--success)",
			colorOff: "var(--theme--foreground-subdued)",
		},
		width: "half",
		...more,
	};
}

/** One of a few values, shown as a coloured chip. */
export function choice(
	field: string,
	name: Label,
	values: [value: string, text: string, colour: Colour][],
	more: More = {},
): Field {
	return {
		field,
		label: name,
		interface: "select-dropdown",
		options: { choices: values.map(([value, caption]) => ({ value, text: caption })) },
		display: "labels",
		displayOptions: {
			format: false,
			choices: values.map(([value, caption, colour]) => ({ value, text: caption, ...CHIPS[colour] })),
		},
		width: "half",
		validation: optional(field, { _in: values.map(([value]) => value) }),
		...more,
	};
}

export function time(field: string, name: Label, more: More = {}): Field {
	return {
		field,
		label: name,
		special: ["cast-timestamp"],
		interface: "datetime",
		display: "datetime",
		displayOptions: { relative: true },
		readonly: true,
		width: "half",
		...more,
	};
}

export function json(field: string, name: Label, more: More = {}): Field {
	return {
		field,
		label: name,
		special: ["cast-json"],
		interface: "input-code",
		options: { language: "JSON", lineNumber: false },
		display: "formatted-json-value",
		width: "full",
		...more,
	};
}

export function tags(field: string, name: Label, placeholder: string, more: More = {}): Field {
	return {
		field,
		label: name,
		special: ["cast-json"],
		interface: "tags",
		options: { placeholder, whitespace: null, capitalization: null, alphabetize: false },
		display: "labels",
		displayOptions: { format: false },
		width: "full",
		...more,
	};
}

export function toOne(field: string, name: Label, template: string, more: More = {}): Field {
	return {
		field,
		label: name,
		special: ["m2o"],
		interface: "select-dropdown-m2o",
		options: { template, enableCreate: false, enableLink: true },
		display: "related-values",
		displayOptions: { template },
		width: "half",
		...more,
	};
}

export function toMany(field: string, name: Label, columns: string[], more: More = {}): Field {
	return {
		field,
		label: name,
		special: ["o2m"],
		interface: "list-o2m",
		options: {
			layout: "table",
			fields: columns,
			enableCreate: false,
			enableSelect: false,
			enableLink: true,
			limit: 15,
		},
		width: "full",
		readonly: true,
		...more,
	};
}

/** A uuid that names a row, where a relation cannot be used because the column is the key itself, or holds other things too. */
export function nameOf(field: string, name: Label, collection: string, template: string, more: More = {}): Field {
	return {
		field,
		label: name,
		interface: "input",
		display: "lightspeedpay-name",
		displayOptions: { rowsOf: collection, caption: template },
		readonly: true,
		width: "half",
		...more,
	};
}

export function identifier(more: More = {}): Field {
	return {
		field: "id",
		label: label("ID", "आईडी"),
		interface: "input",
		options: { font: "monospace", iconLeft: "fingerprint" },
		display: "formatted-value",
		displayOptions: { font: "monospace" },
		readonly: true,
		width: "half",
		...more,
	};
}

/** A part of the form that is no column: an interface of the extension. */
export function panel(field: string, name: Label, shownBy: string, more: More = {}): Field {
	return { field, label: name, special: ["alias", "no-data"], interface: shownBy, width: "full", ...more };
}

/** Tied to what the form says of another field. */
export function hiddenUnless(field: string, values: string[]): Pick<Field, "hidden" | "conditions"> {
	return { hidden: true, conditions: [{ name: field, rule: { _and: [{ [field]: { _in: values } }] }, hidden: false }] };
}

/** A column that exists in the table and that the studio may not touch; named so that Directus does not offer it. */
export function unreachable(field: string): Field {
	return { field, label: label(field, field), hidden: true, readonly: true, searchable: false };
}

/** Only the database writes this row. */
export function written(fields: Field[]): Field[] {
	return fields.map((field) => ({ ...field, readonly: true }));
}
