/** The examples of the merchant guide, as they are in docs/examples at build time: `import examples from "merchant-examples"`. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const DIRECTORY = join(import.meta.dirname, "../../../docs/examples");
const NAME = "merchant-examples";

export default {
	plugins: [
		{
			name: NAME,
			resolveId: (id) => (id === NAME ? `\0${NAME}` : null),
			load(id) {
				if (id !== `\0${NAME}`) return null;
				const files = readdirSync(DIRECTORY).map((file) => [file, readFileSync(join(DIRECTORY, file), "utf8")]);
				return `export default ${JSON.stringify(Object.fromEntries(files))};`;
			},
		},
	],
};
