import { Router } from "express";
import type { Dependencies } from "../../dependencies.ts";
import { createOpenApiDocument } from "./openapi.ts";
import { renderDocumentation } from "./page.ts";

export function documentationRoutes({ env }: Dependencies): Router {
	const document = createOpenApiDocument(env.PUBLIC_CHECKOUT_URL);
	const openapi = JSON.stringify(document, null, 2);
	const { html, content_security_policy } = renderDocumentation(document);
	const router = Router();
	router.get("/openapi.json", (_req, res) => {
		// Tools on other origins read it; it holds nothing secret.
		res.setHeader("Access-Control-Allow-Origin", "*");
		res.setHeader("Cross-Origin-Resource-Policy", "cross-origin");
		res.type("application/json").send(openapi);
	});
	router.get("/docs", (_req, res) => {
		res.setHeader("Content-Security-Policy", content_security_policy);
		res.type("html").send(html);
	});
	return router;
}
