import type { Request, Response } from "express";
import { chooseLanguage, type Language } from "./languages.ts";
import { payQuery } from "./schema.ts";

const COOKIE = "lang";
const COOKIE_MS = 365 * 24 * 60 * 60 * 1000;

export function languageOf(request: Request): Language {
	const cookie = /(?:^|;\s*)lang=(\w+)/.exec(request.get("Cookie") ?? "")?.[1];
	const { lang } = payQuery.parse(request.query);
	return chooseLanguage(lang ?? cookie, request.get("Accept-Language"));
}

/** What the payer chose is kept below `path`, through the trip to the PSP, whose return address knows no language. */
export function rememberLanguage(request: Request, response: Response, path: string): void {
	const { lang } = payQuery.parse(request.query);
	if (lang === undefined) return;
	response.cookie(COOKIE, lang, {
		path,
		maxAge: COOKIE_MS,
		httpOnly: true,
		sameSite: "lax",
		secure: request.secure,
	});
}
