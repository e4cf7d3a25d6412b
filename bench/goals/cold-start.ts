import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Demo, makeDataDirectory, spawnSupervisor, untilReady } from "../../test/stack.ts";
import type { Goal, Shape } from "../goal.ts";
import { loadInitiate } from "../load.ts";
import { median } from "../verdict.ts";

const STARTS = 3;
const LOAD_SECONDS = 10;

type Start = {
	/** From the command to the line that says that every part is ready; the median of the starts. */
	seconds: number;
	slowest_s: number;
	/** On an empty directory: makes the database, the studio and the demo. */
	first_s: number;
	/** In the directory. */
	payments: number;
};

const start: Shape<Start> = {
	name: "npm start on a directory with data",
	needs: [],
	when: "once",
	takes_seconds: 120,
	async measure(scene, { connections, report }) {
		const directory = makeDataDirectory();
		scene.onClose(() => rmSync(directory, { recursive: true, force: true }));
		const timedStart = async () => {
			const before = performance.now();
			const supervisor = spawnSupervisor(directory);
			const stop = () => {
				supervisor.process.kill("SIGINT");
				return supervisor.exited;
			};
			scene.onClose(stop);
			await untilReady(supervisor);
			return { seconds: (performance.now() - before) / 1_000, stop };
		};
		const first = await timedStart();
		report(`a first start took ${first.seconds.toFixed(1)} s; payments are made …`);
		const demo: Demo = JSON.parse(readFileSync(join(directory, "demo.json"), "utf8"));
		const [merchant] = demo.merchants;
		const { per_second } = await loadInitiate(
			demo.checkout_url,
			[{ ...merchant!, id: merchant!.client_id, gateways: [] }],
			{ connections, seconds: LOAD_SECONDS },
		);
		await first.stop();
		const times: number[] = [];
		for (let number = 1; number <= STARTS; number++) {
			const again = await timedStart();
			times.push(again.seconds);
			await again.stop();
		}
		return {
			seconds: median(times),
			slowest_s: Math.max(...times),
			first_s: first.seconds,
			payments: Math.round(per_second * LOAD_SECONDS),
		};
	},
};

export const goal: Goal = {
	number: 10,
	title: "Cold start with data present",
	shapes: [start],
	targets: [{ what: "npm start until every part is ready", unit: "s", at_most: 15, value: (of) => of(start).seconds }],
};
