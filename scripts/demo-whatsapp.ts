/** WhatsApp of the demo: an account at Meta as the sandbox plays it, with every template that the database has. */
import { createHmac } from "node:crypto";
import { control, type SeedOptions } from "./seed-demo.ts";

/** Made from a secret of this installation, so that each start has the same ones without keeping them. */
function accountOf(studio_secret: string) {
	const make = (what: string) => createHmac("sha256", studio_secret).update(`whatsapp.${what}`).digest("hex");
	return {
		phone_number_id: "106540352242922",
		app_id: "7012345678",
		token: `EAA${make("token")}`,
		app_secret: make("app_secret").slice(0, 32),
		verify_token: make("verify_token").slice(0, 32),
	};
}

/** For the jobs, which send, and for checkout, which is told what became of it. */
export function demoWhatsapp(studio_secret: string): Record<string, string> {
	const account = accountOf(studio_secret);
	return {
		WHATSAPP_PROVIDER: "meta",
		WHATSAPP_META_PHONE_NUMBER_ID: account.phone_number_id,
		WHATSAPP_META_TOKEN: account.token,
		WHATSAPP_META_APP_ID: account.app_id,
		WHATSAPP_META_APP_SECRET: account.app_secret,
		WHATSAPP_META_VERIFY_TOKEN: account.verify_token,
	};
}

export async function registerWhatsapp(
	{ owner, checkoutUrl, sandboxUrl }: Pick<SeedOptions, "owner" | "checkoutUrl" | "sandboxUrl">,
	studio_secret: string,
): Promise<void> {
	const { rows: templates } = await owner.query(
		`select meta_name as name, language, body, jsonb_array_length(variables) as parameters
		from public.whatsapp_templates where meta_name is not null order by id`,
	);
	await control(sandboxUrl, "whatsapp/accounts", {
		provider: "meta",
		...accountOf(studio_secret),
		webhook_url: `${checkoutUrl}/whatsapp/meta`,
		templates,
	});
}
