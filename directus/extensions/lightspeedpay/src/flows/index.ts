/**
 * Keeps flows safe to have. They run as the system, with all rights, so only administrators may make or change one, whatever
 * a policy says; looked up anew on each change. Changes made in one studio process reach the others within seconds.
 */
import { ForbiddenError, InvalidPayloadError } from "@directus/errors";
import { defineHook } from "@directus/extensions-sdk";
import { holdsPolicy, type Studio } from "../endpoint/context.ts";
import { checkOperation } from "./check-operation.ts";
import { followFlows } from "./flow-manager.ts";

interface Context {
	accountability: { user: string | null } | null;
}

export default defineHook(({ filter, init }, { database, logger }) => {
	const studio = { database } as unknown as Studio;

	async function requireAdministrator(context: Context): Promise<void> {
		// Nobody at all: the studio itself.
		if (context.accountability === null) return;
		const { user } = context.accountability;
		if (user === null || !(await holdsPolicy(studio, user, []))) throw new ForbiddenError();
	}

	for (const collection of ["flows", "operations"]) {
		for (const action of ["create", "update", "delete"]) {
			filter(`${collection}.${action}`, async (payload, _meta, context) => {
				await requireAdministrator(context as unknown as Context);
				if (collection !== "operations" || action === "delete") return;
				const refusal = checkOperation(payload as Record<string, unknown>);
				if (refusal !== null) throw new InvalidPayloadError({ reason: refusal });
			});
		}
	}

	init("app.after", () => followFlows(studio, (error) => logger.warn(error)));
});
