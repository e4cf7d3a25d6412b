/// <reference lib="dom" />
/** A person's access: where they are logged in, an end to it, and the second factor that a role asks for. */
import { authenticator } from "otplib";
import { describe, expect, it, onTestFinished } from "vitest";
import { type RoleName, roles } from "../../../directus/config/roles.ts";
import { ensureUser } from "../../../directus/users.ts";
import type { StudioStage } from "./stage.ts";

const password = "correct horse battery staple";

export function describePeople(stage: StudioStage): void {
	/** Somebody whose sessions end here and nowhere else. */
	async function arrive(role: RoleName, name: string) {
		const email = `${name}@example.com`;
		const id = await ensureUser({ databaseUrl: stage.database.url("studio"), email, password, role });
		return { id, email, password };
	}

	/** Another device of theirs: what it is told when it asks who it is. */
	async function logInElsewhere(email: string): Promise<() => Promise<number>> {
		const headers = { "content-type": "application/json", "user-agent": "Mozilla/5.0 (Android 16) Firefox/144.0" };
		const login = await fetch(`${stage.studio.url}/auth/login`, {
			method: "POST",
			headers,
			body: JSON.stringify({ email, password, mode: "session" }),
		});
		const cookie = login.headers.get("set-cookie")!.split(";")[0]!;
		return async () => (await fetch(`${stage.studio.url}/users/me`, { headers: { cookie } })).status;
	}

	describe("People", () => {
		it("see where they are logged in and log out elsewhere, on a phone and in Hindi too", async () => {
			const person = await arrive("finance", "asha");
			const elsewhere = await logInElsewhere(person.email);
			const page = await stage.open({ role: "finance", person }, `/users/${person.id}`);
			const table = page.getByRole("table", { name: "Where this person is logged in" });
			await table.getByText("Firefox on Android", { exact: true }).waitFor();
			await table.getByText("this one").waitFor();
			await table.scrollIntoViewIfNeeded();
			await stage.expectAccessible(page, ".sessions");
			await stage.picture(page, "sessions-light");
			expect(await elsewhere()).toBe(200);
			await page.getByRole("button", { name: "Log out everywhere else" }).click();
			await stage.expectVisible(page, "Log out everywhere else?");
			await stage.expectAccessible(page, ".v-card");
			await stage.picture(page, "sessions-ask");
			await page.locator(".v-card").getByRole("button", { name: "Log out", exact: true }).click();
			await table.getByText("Firefox on Android", { exact: true }).waitFor({ state: "detached" });
			expect(await elsewhere()).toBe(401);

			await stage.query("update directus.directus_users set language = 'hi-IN' where id = $1", [person.id]);
			await page.emulateMedia({ colorScheme: "dark" });
			await page.setViewportSize({ width: 360, height: 900 });
			await page.reload();
			const inHindi = page.getByRole("table", { name: "यह व्यक्ति कहाँ लॉग इन है" });
			await inHindi.getByText("यही").waitFor();
			await inHindi.scrollIntoViewIfNeeded();
			await stage.picture(page, "sessions-phone-dark-hindi");
			await stage.expectAccessible(page, ".sessions");

			// Choices, notes and bookmarks are translated by their text.
			await stage.visit(page, `/content/clients/${stage.merchant.id}`);
			await stage.expectVisible(page, "निलंबित और बंद व्यापारी भुगतान नहीं ले सकते।");
			await expect.poll(() => page.locator('[data-field="status"] input').inputValue()).toBe("सक्रिय");
			await stage.picture(page, "client-phone-dark-hindi");
			await page.setViewportSize({ width: 1280, height: 900 });
			await stage.visit(page, "/content/transactions");
			await stage.expectVisible(page, "देर से भुगतान");
			expect(await page.locator("body").innerText()).not.toContain("$t:");
			await stage.picture(page, "transactions-dark-hindi");
		});

		it("are logged out by an administrator, who says why", async () => {
			const person = await arrive("operator", "dev");
			const elsewhere = await logInElsewhere(person.email);
			const page = await stage.open({ role: "administrator" }, `/users/${person.id}`);
			await page.getByRole("button", { name: /^Log out ?: Firefox on Android$/ }).click();
			const ask = page.locator(".v-card").filter({ hasText: "Log out Firefox on Android?" });
			const confirm = ask.getByRole("button", { name: "Log out", exact: true });
			await expect.poll(() => confirm.isDisabled()).toBe(true);
			await ask.getByRole("textbox").fill("Phone lost");
			await confirm.click();
			await stage.expectVisible(page, "Not logged in anywhere");
			expect(await elsewhere()).toBe(401);
			const entries = await stage.query(
				"select after->>'reason' as reason from public.audit_log where action = 'end_session' and row_id = $1",
				[person.id],
			);
			expect(entries).toEqual([{ reason: "Phone lost" }]);
		});

		it("set a second factor up before anything else opens, where their role needs one", async () => {
			const person = await arrive("auditor", "meera");
			const need = (needed: boolean) =>
				stage.query("update directus.directus_policies set enforce_tfa = $2 where id = $1", [
					roles.auditor.policy,
					needed,
				]);
			await need(true);
			onTestFinished(async () => void (await need(false)));
			const page = await stage.open({ role: "auditor", person }, "/home");
			await page.waitForURL(/\/tfa-setup/);
			await page.locator("input[type=password]").waitFor();
			await stage.picture(page, "second-factor");
			await page.locator("input[type=password]").fill(password);
			const generated = page.waitForResponse((response) => response.url().includes("/tfa/generate"));
			await page.getByRole("button", { name: /next/i }).click();
			const { data } = await (await generated).json();
			// A code counts for half a minute: one that ran out on its way is given anew.
			const halfMinute = () => Math.floor(Date.now() / 30_000);
			for (let taken = false; !taken; ) {
				const given = halfMinute();
				await page.locator("input[type=text]").fill(authenticator.generate(data.secret));
				const answered = page.waitForResponse((response) => response.url().includes("/tfa/enable"));
				await page.getByRole("button", { name: /done/i }).click();
				taken = (await answered).ok();
				if (!taken) expect(halfMinute()).toBeGreaterThan(given);
			}
			await page.locator(".module-page").waitFor();
			await stage.expectVisible(page, "Success rate");
		});
	});
}
