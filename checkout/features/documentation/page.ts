import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import Handlebars from "handlebars";
import { DomainError } from "../../../db/client/errors.ts";
import { HTTP_STATUS } from "../../middleware/errors.ts";
import type { OpenApiDocument } from "./openapi.ts";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

const LANGUAGES = { sh: "curl", mjs: "Node", py: "Python", php: "PHP" } as const;

const EXAMPLES = [
	{ title: "Initiate a payment, read its status, refund it", name: "payments", languages: ["sh", "mjs", "py", "php"] },
	{ title: "Check the result the payer brings back", name: "verify-result", languages: ["mjs", "py", "php"] },
	{ title: "Receive webhooks", name: "receive-webhooks", languages: ["mjs", "py", "php"] },
] as const;

interface Schema {
	$ref?: string;
	type?: string | string[];
	format?: string;
	enum?: unknown[];
	anyOf?: Schema[];
	items?: Schema;
	properties?: Record<string, Schema>;
	required?: string[];
	description?: string;
	default?: unknown;
}

interface Field {
	name: string;
	type: string;
	required: boolean;
	description: string;
}

/** The documentation as one static page without scripts, and the policy that lets a browser show it. */
export function renderDocumentation(document: OpenApiDocument): { html: string; content_security_policy: string } {
	const style = read("page.css");
	const handlebars = Handlebars.create();
	handlebars.registerPartial("fields", read("fields.hbs"));
	const schemas = (document.components?.schemas ?? {}) as Record<string, Schema>;
	const resolve = (schema: Schema): Schema =>
		schema.$ref === undefined ? schema : schemas[schema.$ref.slice("#/components/schemas/".length)]!;
	const html = handlebars.compile(read("page.hbs"))({
		title: document.info.title,
		version: document.info.version,
		server_url: document.servers?.[0]?.url,
		style,
		examples: EXAMPLES.map(({ title, name, languages }) => ({
			title,
			languages: languages.map((extension, i) => ({
				language: LANGUAGES[extension],
				code: read(`../../../docs/examples/${name}.${extension}`),
				open: i === 0,
			})),
		})),
		errors: Object.entries(HTTP_STATUS).map(([code, status]) => ({
			code,
			status,
			message: new DomainError(code as keyof typeof HTTP_STATUS).message,
		})),
		operations: Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
			Object.entries(item as Record<string, Operation>).map(([method, operation]) => ({
				id: operation.operationId,
				method: method.toUpperCase(),
				path,
				summary: operation.summary,
				description: withCode(operation.description),
				parameters: operation.parameters?.map((parameter) => ({
					name: parameter.name,
					type: `${typeName(parameter.schema)} in ${parameter.in}`,
					required: parameter.required,
					description: withCode(parameter.description ?? parameter.schema.description),
				})),
				body: fieldsOf(operation.requestBody?.content?.["application/json"]?.schema),
				responses: Object.entries(operation.responses).map(([status, response]) => ({
					status,
					description: withCode(response.description),
					fields: status < "300" ? fieldsOf(response.content?.["application/json"]?.schema) : [],
				})),
			})),
		),
	});
	const hash = createHash("sha256").update(style).digest("base64");
	return {
		html,
		content_security_policy: `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
	};

	function fieldsOf(schema: Schema | undefined, prefix = ""): Field[] {
		if (schema === undefined) return [];
		const { properties = {}, required = [] } = resolve(schema);
		return Object.entries(properties).flatMap(([name, property]) => [
			{
				name: prefix + name,
				type: typeName(property),
				required: prefix === "" && required.includes(name),
				description: describe(property),
			},
			...fieldsOf(resolve(property), `${prefix}${name}.`),
		]);
	}

	function describe(schema: Schema): string {
		const { description, enum: values, default: fallback } = resolve(schema);
		const parts = [
			withCode(description),
			...(values === undefined ? [] : [withCode(values.map((value) => `\`${value}\``).join(", "))]),
			...(fallback === undefined ? [] : [`If left out: ${withCode(`\`${fallback}\``)}.`]),
		];
		return parts.filter((part) => part !== "").join(" ");
	}

	function typeName(schema: Schema): string {
		const { type, format, anyOf, items } = resolve(schema);
		if (anyOf !== undefined) return anyOf.map(typeName).join(" or ");
		if (type === "array" && items !== undefined) return `array of ${schemaName(items)}`;
		return [type].flat().join(" or ") + (format === undefined ? "" : ` (${format})`);
	}

	function schemaName(schema: Schema): string {
		return schema.$ref?.split("/").at(-1) ?? typeName(schema);
	}
}

interface Operation {
	operationId: string;
	summary: string;
	description?: string;
	parameters?: { name: string; in: string; required?: boolean; description?: string; schema: Schema }[];
	requestBody?: { content?: Record<string, { schema: Schema }> };
	responses: Record<string, { description: string; content?: Record<string, { schema: Schema }> }>;
}

/** Escaped, with `code` marked up. */
function withCode(text = ""): string {
	return Handlebars.escapeExpression(text).replaceAll(/&#x60;(.+?)&#x60;/g, "<code>$1</code>");
}
