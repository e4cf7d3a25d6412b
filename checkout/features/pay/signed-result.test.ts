import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { signedResultUrl } from "./signed-result.ts";

const input = {
	redirect_url: "https://books.example/return?cart=7#top",
	client_salt: "salt",
	transaction_id: "0190-1",
	order_id: "KB 1/é&=",
	status: "paid",
	amount: 12_345_600,
	now: new Date("2026-11-21T06:20:00.900Z"),
};

describe("signedResultUrl", () => {
	it("adds the result and its signature to what the merchant's URL already has", () => {
		const url = new URL(signedResultUrl(input)!);
		expect(`${url.origin}${url.pathname}${url.hash}`).toBe("https://books.example/return#top");
		expect(Object.fromEntries(url.searchParams)).toEqual({
			cart: "7",
			transaction_id: "0190-1",
			order_id: "KB 1/é&=",
			status: "paid",
			amount: "12345600",
			timestamp: "1795242000",
			signature: createHmac("sha256", "salt").update("1795242000.0190-1.KB 1/é&=.paid.12345600").digest("hex"),
		});
	});

	it("is signed with both salts while the merchant changes over", () => {
		const url = new URL(signedResultUrl({ ...input, next_client_salt: "next" })!);
		const signed = (salt: string) =>
			createHmac("sha256", salt).update("1795242000.0190-1.KB 1/é&=.paid.12345600").digest("hex");
		expect(url.searchParams.get("signature")).toBe(signed("salt"));
		expect(url.searchParams.get("next_signature")).toBe(signed("next"));
	});

	it("replaces fields of the same name, which the merchant could otherwise mistake for ours", () => {
		const url = new URL(signedResultUrl({ ...input, redirect_url: "https://books.example/?status=paid&status=x" })!);
		expect(url.searchParams.getAll("status")).toEqual(["paid"]);
	});

	it.each(["javascript:alert(1)", "data:text/html,x", "/return", ""])("is null for %j", (redirect_url) => {
		expect(signedResultUrl({ ...input, redirect_url })).toBeNull();
	});
});
