/** What people do in the studio beyond changing rows. Thin: who may is checked here, what happens is a database function's. */
import { defineEndpoint } from "@directus/extensions-sdk";
import type { Router, Studio } from "./context.ts";
import { addEveryRoute } from "./every-route.ts";

export default defineEndpoint({
	id: "lightspeedpay",
	handler: (router, context) => addEveryRoute(router as unknown as Router, context as unknown as Studio),
});
