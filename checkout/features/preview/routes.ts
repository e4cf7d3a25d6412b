import { type RequestHandler, Router } from "express";
import { readClientTheme } from "../../../db/client/clients.ts";
import type { Dependencies } from "../../dependencies.ts";
import { TEXTS } from "../pay/languages.ts";
import { setPreviewHeaders } from "../pay/page-headers.ts";
import { showFault, showProblem } from "../pay/problem-page.ts";
import { languageOf } from "../pay/request-language.ts";
import { returnFields } from "../pay/schema.ts";
import { renderPreview } from "../pay/templates.ts";
import { themeOf } from "../pay/theme.ts";
import { previewModel } from "./preview-model.ts";
import { previewParams, previewQuery } from "./schema.ts";

/**
 * A merchant's payment page as it would look, for the studio to frame, and for nobody else. No payment is behind it, no
 * script runs in it, and no form leaves it.
 */
export function previewRoutes({
	env,
	logger,
	pool,
	clock,
}: Pick<Dependencies, "env" | "logger" | "pool" | "clock">): Router {
	const router = Router();
	const { PUBLIC_STUDIO_URL: studio } = env;
	if (studio === undefined) return router;
	const show: RequestHandler<{ client_id: string }> = async (request, response) => {
		const params = previewParams.safeParse(request.params);
		const client = params.success ? await readClientTheme(pool, params.data.client_id) : null;
		if (client === null) {
			showProblem(request, response, "not_found");
			return;
		}
		const { color, logo, scheme, state } = previewQuery.parse(request.query);
		const shown = {
			company_name: client.company_name,
			theme_color: color === undefined ? client.theme_color : color === "none" ? null : color,
			logo_sha256: logo === undefined ? client.logo_sha256 : logo === "none" ? null : logo,
		};
		const language = languageOf(request);
		const model = previewModel(shown, state, language, returnFields.parse(request.query), new Date(clock.now()));
		const nonce = setPreviewHeaders(response, new URL(studio).origin);
		const theme = themeOf(shown.theme_color, scheme);
		response.type("html").send(renderPreview({ ...model, theme, sample: TEXTS[language].sample }, nonce, scheme));
	};
	router.get("/preview/:client_id", show);
	router.use("/preview", showFault(logger));
	return router;
}
