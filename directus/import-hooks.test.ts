import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const run = promisify(execFile);

it("leaves to every importer what it imports without them", async () => {
	const hooks = join(import.meta.dirname, "import-hooks.ts");
	const names = async (...flags: string[]) => {
		const asked =
			"import * as all from 'date-fns'; console.log(Object.keys(all).join(), all.addDays(0, 1).toISOString())";
		const { stdout } = await run(process.execPath, [...flags, "--input-type=module", "--eval", asked], {
			cwd: import.meta.dirname,
		});
		return stdout;
	};
	const plain = await names();
	expect(plain).toContain("1970-01-02");
	expect(await names(`--import=${hooks}`)).toBe(plain);
});
