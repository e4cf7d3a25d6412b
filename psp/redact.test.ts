import { expect, test } from "vitest";
import { redact } from "./redact.ts";

const account = { api_key: "key", api_secret: "s3cr+t/=", webhook_secret: "hook-secret", settings: {} };

test("secrets are removed wherever they are, in every form they travel in", () => {
	const basic = Buffer.from("key:s3cr+t/=").toString("base64");
	const answer = {
		message: `Basic ${basic} and s3cr+t/= twice s3cr+t/=`,
		nested: [{ url: `?secret=${encodeURIComponent("s3cr+t/=")}`, hook: "<hook-secret>" }],
	};
	expect(redact(answer, account)).toEqual({
		message: "Basic [removed] and [removed] twice [removed]",
		nested: [{ url: "?secret=[removed]", hook: "<[removed]>" }],
	});
});

test("a form encodes a secret in its own way", () => {
	const spaced = { ...account, api_secret: "s3cret with ! and *" };
	const body = new URLSearchParams({ client_secret: spaced.api_secret, grant_type: "g" }).toString();
	expect(redact(body, spaced)).toBe("client_secret=[removed]&grant_type=g");
});

test("everything else stays as it is", () => {
	const settled_at = new Date(0);
	const answer = { amount: 100, none: null, settled_at, list: [1, "two", true] };
	expect(redact(answer, account)).toEqual(answer);
	expect(redact("psp_unavailable", { ...account, api_secret: "s", webhook_secret: null })).toBe("psp_unavailable");
});
