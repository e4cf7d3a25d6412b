import { createHmac } from "node:crypto";
import { expect, it } from "vitest";
import { createCheckoutUrls } from "./checkout-urls.ts";

it("gives the PSP addresses that let the payer in at checkout, and one for its webhooks", () => {
	const status_token_key = Buffer.alloc(32, 3);
	const urls = createCheckoutUrls({ checkout_url: "https://pay.example.in", status_token_key });
	const id = "01890000-0000-7000-8000-000000000001";
	const token = createHmac("sha256", status_token_key).update(id).digest("base64url");
	expect(urls.return_url(id)).toBe(`https://pay.example.in/pay/${id}/return?token=${token}`);
	expect(urls.cancel_url(id)).toBe(`https://pay.example.in/pay/${id}/cancel?token=${token}`);
	expect(urls.webhook_url("lsp_key", id)).toBe(`https://pay.example.in/webhook/lsp_key/${id}`);
});
