/** Directus' own manager of flows, in this process; its package has no types, and is Directus', so it is not bundled. */
import type { Studio } from "../endpoint/context.ts";

export interface Flow {
	id: string;
	trigger: string;
	options: { type?: string; scope?: unknown; collections?: unknown };
}

interface FlowManager {
	flows: Record<string, Flow>;
	reload(): Promise<void>;
	reloadQueue: { onIdle(): Promise<void> };
	executeFlow(flow: Flow, data: unknown, context: object): Promise<unknown>;
}

// As a variable, else it would be bundled.
const MODULE = "@directus/api/flows";

export async function getFlowManager(): Promise<FlowManager> {
	const { getFlowManager: get } = (await import(MODULE)) as { getFlowManager(): FlowManager };
	return get();
}

/** What all flows are at the moment, as one word. */
async function fingerprint({ database }: Studio): Promise<string> {
	const { rows } = await database.raw(
		`select coalesce((select string_agg(md5(f::text), '' order by id) from directus.directus_flows f), '')
			|| coalesce((select md5(string_agg(md5(o::text), '' order by id)) from directus.directus_operations o), '') as print`,
		[],
	);
	return rows[0]!.print as string;
}

let known: string | null = null;

/** Loads the flows again when they were changed elsewhere: Directus tells only its own process. */
export async function renewFlows(studio: Studio): Promise<FlowManager> {
	const manager = await getFlowManager();
	const print = await fingerprint(studio);
	if (print !== known) {
		known = print;
		await manager.reload();
	}
	await manager.reloadQueue.onIdle();
	return manager;
}

const EVERY_MS = 5_000;

export function followFlows(studio: Studio, report: (error: unknown) => void): void {
	const look = () => {
		renewFlows(studio)
			.catch(report)
			.finally(() => setTimeout(look, EVERY_MS).unref());
	};
	setTimeout(look, EVERY_MS).unref();
}
