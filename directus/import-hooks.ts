/**
 * Makes the studio start a quarter faster; to be imported before anything of Directus is.
 *
 * To learn what kind of file an import leads to, Node reads the exports in its package.json, and does so again for each file. Those
 * of date-fns are 140 kB, and Directus imports all of its 300 files. What lies in its own folder needs no such look: a `.js` file
 * of it is a module.
 */
import { registerHooks } from "node:module";

registerHooks({
	resolve(specifier, context, next) {
		const is_within =
			specifier.startsWith(".") && specifier.endsWith(".js") && context.parentURL?.includes("/node_modules/date-fns/");
		if (!is_within) return next(specifier, context);
		return { url: new URL(specifier, context.parentURL).href, format: "module", shortCircuit: true };
	},
});
