/** The studio as the workers see it: one inner address, where an event becomes runs of flows. */
import { type EncryptionKeys, proveKeys } from "../db/client/secrets.ts";

export interface StudioClient {
	/**
	 * Has the studio run the flows that listen to an event, each once in all however often this is called. "over": all have
	 * run; "running": not yet. Throws StudioUnreachable when nobody answered as expected.
	 */
	emitEvent(event_id: string): Promise<"over" | "running">;
}

export class StudioUnreachable extends Error {
	override readonly name = "StudioUnreachable";
}

/** A flow may wait for others; the studio goes on without us and says "running" until then. */
const ANSWER_MS = 30_000;

/** `url` null: no studio is known to these workers. */
export function createStudioClient(url: string | null, keys: EncryptionKeys): StudioClient {
	return {
		async emitEvent(event_id) {
			if (url === null) throw new StudioUnreachable("STUDIO_URL is not set");
			const path = `/lightspeedpay/studio-events/${event_id}`;
			let response: Response;
			try {
				response = await fetch(url + path, {
					method: "POST",
					headers: { "x-lightspeedpay-proof": proveKeys(keys, path) },
					redirect: "error",
					signal: AbortSignal.timeout(ANSWER_MS),
				});
			} catch (cause) {
				throw new StudioUnreachable("the studio does not answer", { cause });
			}
			const answer = (await response.json().catch(() => null)) as { data?: { state?: unknown } } | null;
			const state = answer?.data?.state;
			if (response.status === 403) throw new StudioUnreachable("the studio has other ENCRYPTION_KEYS than this worker");
			if (state !== "over" && state !== "running") {
				throw new StudioUnreachable(`the studio answered with status ${response.status}`);
			}
			return state;
		},
	};
}
