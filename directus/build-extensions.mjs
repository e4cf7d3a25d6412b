/**
 * Builds the extension bundle of the studio with Directus' own tool, from what is installed; no network. Does nothing when
 * the sources are those of the last build. Plain JavaScript, because it runs after `npm install` on whatever Node is there.
 *   node directus/build-extensions.mjs
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const bundle = join(here, "extensions", "lightspeedpay");
const stamp = join(bundle, "dist", "sources.sha256");

/** Throws with the tool's output when the bundle does not build. Answers whether it had to be built. */
export function buildExtensions() {
	const sdk = createRequire(import.meta.url).resolve("@directus/extensions-sdk/cli");
	const version = readFileSync(join(dirname(sdk), "../../package.json"), "utf8");
	const chart = readFileSync(join(here, "..", "node_modules", "uplot", "package.json"), "utf8");
	const sources = fingerprint(version + chart);
	const outputs = ["api.js", "app.js"].map((file) => join(bundle, "dist", file));
	if (outputs.every(existsSync) && existsSync(stamp) && readFileSync(stamp, "utf8") === sources) return false;

	const cli = join(dirname(sdk), "run.js");
	const built = spawnSync(process.execPath, [cli, "build"], { cwd: bundle, encoding: "utf8" });
	if (built.status !== 0 || !outputs.every(existsSync)) {
		throw new Error(`The studio's extensions do not build:\n${built.stdout}\n${built.stderr}`);
	}
	writeFileSync(stamp, sources);
	return true;
}

/** Over the bundle and what it takes from elsewhere in the repository. */
function fingerprint(versions) {
	const hash = createHash("sha256").update(versions);
	const files = [
		join(bundle, "package.json"),
		join(bundle, "extension.config.js"),
		...filesBelow(join(bundle, "src")),
		...filesBelow(join(here, "config")),
		...filesBelow(join(here, "..", "docs", "examples")),
		...filesBelow(join(here, "..", "docs", "runbooks")),
		...["secrets.ts", "errors.ts"].map((file) => join(here, "..", "db", "client", file)),
		...["statement.ts", "statement-header.ts", "narration.ts"].map((file) => join(here, "..", "psp", "upi", file)),
	];
	for (const file of files) hash.update(`\n${file.slice(here.length)}\n`).update(readFileSync(file));
	return hash.digest("hex");
}

function filesBelow(directory) {
	return readdirSync(directory, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile() && !entry.name.endsWith(".test.ts"))
		.map((entry) => join(entry.parentPath ?? entry.path, entry.name))
		.sort();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	try {
		if (buildExtensions()) console.log("Built the studio's extensions.");
	} catch (error) {
		console.error(error.message);
		process.exit(1);
	}
}
