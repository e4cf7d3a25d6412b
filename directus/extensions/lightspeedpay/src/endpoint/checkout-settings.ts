/** How a merchant's payment page looks: where it is shown before it counts, and its logo. The settings are columns of clients. */
import { POLICIES } from "../../../../config/policies.ts";
import { callDatabase, holdsPolicy, itemsOf, type Router, readBody, readId, refuse, type Studio } from "./context.ts";
import { readLogoImage } from "./logo-image.ts";
import { addRoute } from "./routes.ts";

const OPERATORS = [POLICIES.operator];
/** Each page of a payer shows it; checked again by the database. */
const MOST_LOGO_BYTES = 32_768;
const MOST_LOGO_PIXELS = 640;

export function addCheckoutSettingsRoutes(router: Router, studio: Studio, checkoutUrl: string): void {
	addRoute(router, studio, {
		method: "get",
		path: "/clients/:id/checkout-preview",
		who: "reader",
		answer: async (req, actor) => {
			const id = readId(req, "clients");
			await itemsOf(studio, req, "clients").readOne(id, { fields: ["id"] });
			return { url: `${checkoutUrl}/preview/${id}`, may_edit: await holdsPolicy(studio, actor, OPERATORS) };
		},
	});

	// Kept, and in force once the client's logo_sha256 names it.
	addRoute(router, studio, {
		method: "post",
		path: "/clients/:id/logos",
		who: OPERATORS,
		answer: async (req, actor) => {
			const { content } = readBody(req);
			if (typeof content !== "string" || !/^[A-Za-z0-9+/]+={0,2}$/.test(content)) refuse(`"content" must be base64`);
			const bytes = Buffer.from(content, "base64");
			if (bytes.length > MOST_LOGO_BYTES) refuse("The logo has more than 32 KB: take a smaller image");
			const image = readLogoImage(bytes);
			if (image === null) refuse("The logo must be a PNG or WebP image");
			const longest = Math.max(image.width, image.height);
			if (longest > MOST_LOGO_PIXELS || longest < 1)
				refuse(`The logo may have ${MOST_LOGO_PIXELS} pixels a side at most`);
			const [row] = await callDatabase(studio, "select public.store_client_logo(?::uuid, ?, ?, ?) as sha256", [
				readId(req, "clients"),
				image.media_type,
				bytes,
				actor,
			]);
			return { sha256: row!.sha256 };
		},
	});
}
