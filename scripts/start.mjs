// `npm start`, in words that every Node understands: finds the Node that the rest is written for, or says what to do.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const REQUIRED_MAJOR = 24;
const here = dirname(fileURLToPath(import.meta.url));

function major(version) {
	return Number(/^v?(\d+)/.exec(version)?.[1] ?? 0);
}

/** The Node that `npm ci` brings through the package `node`; npm puts it first on PATH, a plain `node` does not. */
function findBundledNode() {
	const path = join(here, "..", "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");
	if (!existsSync(path)) return null;
	const { stdout } = spawnSync(path, ["--version"], { encoding: "utf8" });
	return major(stdout ?? "") >= REQUIRED_MAJOR ? path : null;
}

if (!existsSync(join(here, "..", "node_modules", "pg"))) {
	console.error("The packages are not installed: run `npm ci` first.");
	process.exit(1);
} else if (major(process.version) >= REQUIRED_MAJOR) {
	await import("./start.ts");
} else {
	const node = findBundledNode();
	if (node === null) {
		console.error(
			`This is Node ${process.version} and LightSpeedPay needs ${REQUIRED_MAJOR}: run \`npm ci\`, which brings it, or install Node ${REQUIRED_MAJOR}.`,
		);
		process.exit(1);
	}
	const child = spawn(node, [join(here, "start.ts")], { stdio: "inherit" });
	// A terminal sends Ctrl-C to both of us; the child decides when it is over.
	for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
	child.on("exit", (code) => process.exit(code ?? 1));
}
