/** Who is new starts on the studio's first page, not on a list of rows; afterwards Directus takes people where they left. */
import { defineHook } from "@directus/extensions-sdk";

const FIRST_PAGE = "/home";

export default defineHook(({ filter }) => {
	filter("users.create", (payload) => ({ last_page: FIRST_PAGE, ...(payload as object) }));
});
