import { describe, expect, it } from "vitest";
import { providers } from "../../psp/providers.ts";
import { completeSettings, findSettingProblems, PROVIDERS } from "./providers.ts";

const problems = (provider: string, settings: Record<string, unknown>) =>
	findSettingProblems(provider, completeSettings(provider, settings)).map(({ key }) => key);

describe("what a person enters for an account", () => {
	it("is described for every provider that there is an adapter for", () => {
		expect(Object.keys(PROVIDERS).sort()).toEqual(Object.keys(providers).sort());
	});

	it("fills in what a new account says nothing about, and drops what is out of place", () => {
		expect(completeSettings("phonepe", { webhook_username: "kaveri", merchant_id: " " })).toEqual({
			client_version: "1",
			environment: "production",
			webhook_mode: "hmac",
		});
		expect(completeSettings("phonepe", { webhook_mode: "basic", webhook_username: " kaveri " })).toMatchObject({
			webhook_username: "kaveri",
		});
		expect(completeSettings("upi", { payee_name: "" })).toEqual({ match_by: "reference" });
	});

	it("is taken when each setting is one of the provider's and fits", () => {
		expect(problems("phonepe", { client_version: "2", webhook_mode: "basic", webhook_username: "kaveri_1" })).toEqual(
			[],
		);
		expect(problems("phonepe", { client_version: 1 })).toEqual([]);
		expect(problems("upi", { payee_name: "Kaveri & Sons", mcc: "5942", match_by: "amount" })).toEqual([]);
		expect(problems("razorpay", {})).toEqual([]);
	});

	it("is refused by the setting's name when it does not fit, is missing, or is none of the provider's", () => {
		expect(problems("phonepe", { client_version: "0" })).toEqual(["client_version"]);
		expect(problems("phonepe", { webhook_mode: "basic" })).toEqual(["webhook_username"]);
		expect(problems("phonepe", { webhook_mode: "none" })).toEqual(["webhook_mode"]);
		expect(problems("upi", { mcc: "59" })).toEqual(["mcc"]);
		expect(problems("upi", { match_by: ["amount"] })).toEqual(["match_by"]);
		expect(problems("stripe", { secret_key: "sk_live_1" })).toEqual(["secret_key"]);
	});

	it("is left as it is for a provider that is not described", () => {
		expect(completeSettings("newpay", { region: "south" })).toEqual({ region: "south" });
		expect(problems("newpay", { region: "south" })).toEqual([]);
	});
});
