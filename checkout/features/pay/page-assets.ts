/** The files of checkout/assets, kept in memory, named by their content so that browsers never ask for them again. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { extname } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { type RequestHandler, Router } from "express";

const FOLDER = new URL("../../assets/", import.meta.url);
const TYPES: Record<string, string> = {
	".css": "text/css; charset=utf-8",
	".js": "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
};

interface Asset {
	path: string;
	type: string;
	plain: Buffer;
	encoded: Record<"br" | "gzip", Buffer>;
}

const assets = new Map<string, Asset>();
for (const name of readdirSync(FOLDER)) {
	if (extname(name) in TYPES) keep(name, readFileSync(new URL(name, FOLDER)));
}
// The same style in one scheme, for previews: a frame cannot be told which one its device prefers.
const style = assets.get("pay.css")!.plain.toString();
for (const [scheme, other] of [
	["light", "dark"],
	["dark", "light"],
]) {
	const fixed = style
		.replaceAll(`(prefers-color-scheme: ${scheme})`, "all")
		.replaceAll(`(prefers-color-scheme: ${other})`, "not all")
		.replace("color-scheme: light dark", `color-scheme: ${scheme}`);
	keep(`pay-${scheme}.css`, Buffer.from(fixed));
}

function keep(name: string, plain: Buffer): void {
	const extension = extname(name);
	const hash = createHash("sha256").update(plain).digest("base64url").slice(0, 12);
	const path = `/assets/${name.slice(0, -extension.length)}.${hash}${extension}`;
	assets.set(name, {
		path,
		type: TYPES[extension]!,
		plain,
		encoded: { br: brotliCompressSync(plain), gzip: gzipSync(plain, { level: 9 }) },
	});
}

/** The address of a file of checkout/assets. */
export function assetPath(name: string): string {
	const asset = assets.get(name);
	if (asset === undefined) throw new Error(`There is no checkout/assets/${name}.`);
	return asset.path;
}

export function assetRoutes(): Router {
	const router = Router();
	router.get("/assets/:file", serveAsset);
	return router;
}

const serveAsset: RequestHandler<{ file: string }> = (request, response, next) => {
	const [, base, extension] = /^([\w-]+)\.[\w-]{12}(\.\w+)$/.exec(request.params.file) ?? [];
	const asset = assets.get(`${base}${extension}`);
	if (asset === undefined) {
		next();
		return;
	}
	// A page of the release before may ask for its own version while processes are being replaced: it gets this one, briefly.
	const current = asset.path === `/assets/${request.params.file}`;
	const encoding = request.acceptsEncodings(["br", "gzip"]);
	response.set({
		"Content-Type": asset.type,
		"Cache-Control": current ? "public, max-age=31536000, immutable" : "public, max-age=60",
		"X-Content-Type-Options": "nosniff",
		"Cross-Origin-Resource-Policy": "same-origin",
		Vary: "Accept-Encoding",
	});
	if (encoding === "br" || encoding === "gzip") {
		response.set("Content-Encoding", encoding).end(asset.encoded[encoding]);
		return;
	}
	response.end(asset.plain);
};
