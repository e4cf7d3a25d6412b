/**
 * Pages of docs/ as they are at build time, by file name: the examples of the merchant guide (`import examples from
 * "merchant-examples"`) and the operators' runbooks (`import runbooks from "operator-runbooks"`).
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const DOCS = join(import.meta.dirname, "../../../docs");

function filesAs(name, folder) {
	const directory = join(DOCS, folder);
	return {
		name,
		resolveId: (id) => (id === name ? `\0${name}` : null),
		load(id) {
			if (id !== `\0${name}`) return null;
			const files = readdirSync(directory).map((file) => [file, readFileSync(join(directory, file), "utf8")]);
			return `export default ${JSON.stringify(Object.fromEntries(files))};`;
		},
	};
}

export default { plugins: [filesAs("merchant-examples", "examples"), filesAs("operator-runbooks", "runbooks")] };
