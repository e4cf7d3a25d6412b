/** Keeps payment_gateways.settings to what the gateway's provider has, and secrets out of it. */
import { InvalidPayloadError } from "@directus/errors";
import { defineHook } from "@directus/extensions-sdk";
import { completeSettings, findSettingProblems, providerName } from "../../../../config/providers.ts";

type Payload = Record<string, unknown>;
interface Queries {
	raw(sql: string, values: unknown[]): Promise<{ rows: { provider: string }[] }>;
}

export default defineHook(({ filter }) => {
	filter("payment_gateways.items.create", (payload) => {
		const gateway = payload as Payload;
		if (typeof gateway.provider !== "string") return payload;
		return { ...gateway, settings: checkSettings(gateway.provider, gateway.settings ?? {}) };
	});

	filter("payment_gateways.items.update", async (payload, { keys }, { database }) => {
		const change = payload as Payload;
		if (change.settings === undefined) return payload;
		const { rows } = await (database as unknown as Queries).raw(
			"select distinct provider from public.payment_gateways where id = any (?::uuid[])",
			[keys],
		);
		if (rows.length !== 1) {
			throw new InvalidPayloadError({ reason: "settings belong to a provider: change gateways of one at a time" });
		}
		return { ...change, settings: checkSettings(rows[0]!.provider, change.settings ?? {}) };
	});
});

function checkSettings(provider: string, given: unknown): Payload {
	const value = typeof given === "string" ? parseJson(given) : given;
	if (typeof value !== "object" || value === null || Array.isArray(value)) {
		throw new InvalidPayloadError({ reason: `"settings" must be a JSON object` });
	}
	const settings = completeSettings(provider, value as Payload);
	const problems = findSettingProblems(provider, settings).map(({ key, message }) => `${key}: ${message.en}`);
	if (problems.length > 0) {
		throw new InvalidPayloadError({ reason: `"settings" of ${providerName(provider)}: ${problems.join(" ")}` });
	}
	return settings;
}

function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}
