/** Where the workers bring what happened, so that the flows which listen to it run: each once, whatever happens on the way. */
import { randomUUID } from "node:crypto";
import { ForbiddenError } from "@directus/errors";
import { isProvenBy, parseEncryptionKeys } from "../../../../../db/client/secrets.ts";
import { type Flow, renewFlows } from "../flows/flow-manager.ts";
import { callDatabase, type Router, readId, type Studio } from "./context.ts";

/** Tells the runs of this process from those of others in studio_event_runs. */
const PROCESS = `${process.pid}-${randomUUID()}`;
/** A worker gives up after thirty seconds; before, it is told that flows are still running. */
const PATIENCE_MS = 20_000;

export function addStudioEventRoutes(router: Router, studio: Studio): void {
	// Not among the routes for people: who calls here holds our keys.
	router.post("/studio-events/:id", (req, res, next) => {
		emit(studio, readId(req, "studio-events"), String(req.headers["x-lightspeedpay-proof"] ?? "")).then(
			(state) => res.set("Cache-Control", "no-store").json({ data: { state } }),
			next,
		);
	});
}

async function emit(studio: Studio, id: string, proof: string): Promise<"over" | "running"> {
	const keys = parseEncryptionKeys(process.env.ENCRYPTION_KEYS ?? "");
	if (!isProvenBy(keys, `/lightspeedpay/studio-events/${id}`, proof)) throw new ForbiddenError();
	const [row] = await callDatabase(studio, "select public.read_studio_event(?::uuid) as event", [id]);
	if (row!.event === null) return "over";

	const manager = await renewFlows(studio);
	const runs = Object.values(manager.flows)
		.filter(listens)
		.map((flow) => runOnce(studio, flow, row!.event as StudioEvent, manager.executeFlow.bind(manager)));
	const all = Promise.all(runs).then((ends) => (ends.includes("running") ? "running" : "over"));
	const state = await Promise.race([all, patience()]);
	if (state === "over") await callDatabase(studio, "select public.close_studio_event(?::uuid)", [id]);
	return state;
}

interface StudioEvent {
	id: string;
}

/** As the trigger "Event Hook" has it, with type Action: what Directus itself would start when a row of this collection is made. */
function listens({ trigger, options }: Flow): boolean {
	return (
		trigger === "event" &&
		options.type === "action" &&
		listOf(options.scope).includes("items.create") &&
		listOf(options.collections).includes("studio_events")
	);
}

const listOf = (value: unknown): unknown[] =>
	Array.isArray(value) ? value : typeof value === "string" ? value.split(",") : [];

/** Runs of this process that have not ended. */
const running = new Map<string, Promise<"over">>();

async function runOnce(
	studio: Studio,
	flow: Flow,
	event: StudioEvent,
	execute: (flow: Flow, data: unknown, context: object) => Promise<unknown>,
): Promise<"over" | "running"> {
	const key = `${event.id} ${flow.id}`;
	const mine = running.get(key);
	if (mine !== undefined) return mine;
	const [claim] = await callDatabase(studio, "select public.claim_event_run(?::uuid, ?::uuid, ?) as answer", [
		event.id,
		flow.id,
		PROCESS,
	]);
	if (claim!.answer !== "start") return claim!.answer as "over" | "running";
	const run = execute(
		flow,
		{ event: "studio_events.items.create", payload: event, key: event.id, collection: "studio_events" },
		{ accountability: null },
	)
		.then(
			() => null,
			(error: unknown) => (error instanceof Error ? error.message : String(error)),
		)
		.then(async (error) => {
			await callDatabase(studio, "select public.finish_event_run(?::uuid, ?::uuid, ?)", [event.id, flow.id, error]);
			return "over" as const;
		})
		.finally(() => running.delete(key));
	running.set(key, run);
	return run;
}

function patience(): Promise<"running"> {
	return new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, "running").unref());
}
