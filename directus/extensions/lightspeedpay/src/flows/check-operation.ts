import { EVENTS } from "../../../../config/events.ts";

/** Directus writes an operation with its type and options when they change. */
interface Operation {
	type?: unknown;
	options?: Record<string, unknown> | null;
}

type Check = (value: unknown) => string | null;

const isTemplate = (value: unknown) => typeof value === "string" && value.includes("{{");
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const id: Check = (value) =>
	isTemplate(value) || (typeof value === "string" && UUID.test(value))
		? null
		: "must be an id, or a value of the flow in {{ }}";
const filled: Check = (value) => (typeof value === "string" && value.trim() !== "" ? null : "must not be empty");
const optionally =
	(check: Check): Check =>
	(value) =>
		value === undefined || value === null || value === "" ? null : check(value);
const within =
	(min: number, max: number): Check =>
	(value) =>
		isTemplate(value) || (Number.isInteger(Number(value)) && Number(value) >= min && Number(value) <= max)
			? null
			: `must be from ${min} to ${max}`;
const oneOf =
	(...values: string[]): Check =>
	(value) =>
		values.includes(value as string) ? null : `must be one of ${values.join(", ")}`;

const CHECKS: Record<string, Record<string, Check>> = {
	"lightspeedpay-only-events": {
		types: (value) =>
			Array.isArray(value) && value.length > 0 && value.every((type) => EVENTS.some((event) => event.type === type))
				? null
				: "must be one event or more",
	},
	"lightspeedpay-pause-gateway": { gateway_id: id, minutes: within(1, 1440), reason: filled },
	"lightspeedpay-raise-alert": {
		severity: oneOf("info", "warning", "critical"),
		message: filled,
		client_id: optionally(id),
		about_id: optionally(id),
	},
	"lightspeedpay-replay-webhook": { event_id: id, reason: filled },
	"lightspeedpay-send-whatsapp": { client_id: id, template: filled },
};

/** What is wrong with an operation of ours, so that a mistake shows when it is saved and not when it runs; null = nothing. */
export function checkOperation({ type, options }: Operation): string | null {
	if (typeof type !== "string" || options === undefined) return null;
	for (const [name, check] of Object.entries(CHECKS[type] ?? {})) {
		const refusal = check(options?.[name]);
		if (refusal !== null) return `"${name}" ${refusal}`;
	}
	return null;
}
