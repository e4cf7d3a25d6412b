/** What the operations of flows share on the server. Flows run as the system: who may make one is checked when it is saved. */
import { describeRefusal } from "../refusals.ts";

/** The part of Directus' context that is used. */
export interface FlowContext {
	database: { raw(sql: string, values: unknown[]): Promise<{ rows: Record<string, unknown>[] }> };
	flow?: { id: string };
}

/** A flow in the audit log: "flow:" and its id. */
export function actorOf({ flow }: FlowContext): string {
	return `flow:${flowId({ flow } as FlowContext)}`;
}

export function flowId({ flow }: FlowContext): string {
	if (flow === undefined) throw new Error("This operation runs in a flow only.");
	return flow.id;
}

/** The single value of a function; what it refuses ends the operation with words that a person understands. */
export async function callFor(context: FlowContext, call: string, values: unknown[]): Promise<unknown> {
	try {
		const { rows } = await context.database.raw(`select ${call} as value`, values);
		return rows[0]!.value;
	} catch (error) {
		const refusal = describeRefusal(error);
		if (refusal === null) throw error;
		throw new Error(refusal.message);
	}
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** An option that names a row; a value that a flow takes from its trigger may be missing there. */
export function readUuid(name: string, value: unknown): string {
	if (typeof value !== "string" || !UUID.test(value.trim())) {
		throw new Error(`"${name}" is not an id: ${JSON.stringify(value ?? null)}`);
	}
	return value.trim().toLowerCase();
}

export function readOptionalUuid(name: string, value: unknown): string | null {
	return value === undefined || value === null || value === "" ? null : readUuid(name, value);
}

export function readLine(name: string, value: unknown, longest: number): string {
	const text = typeof value === "string" || typeof value === "number" ? String(value).trim() : "";
	if (text === "") throw new Error(`"${name}" is empty`);
	return text.slice(0, longest);
}
