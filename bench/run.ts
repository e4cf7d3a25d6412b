/**
 * `npm run bench`: measures what was promised (goals/), everything on this machine with fsync on, and prints one table.
 *
 *   npm run bench -- [--goals 1,2,…] [--rounds 5] [--seconds 5] [--connections 64] [--merchants 1000] [--gateways 5]
 *                    [--soak-seconds 600] [--grown directory] [--json file] [--strict]
 *
 * Ends with 1 when something could not be measured because of an error; a missed goal is one only with --strict.
 */
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Goal, NotHere, type RunOptions, type Shape } from "./goal.ts";
import { describeMachine } from "./machine.ts";
import { killParts } from "./parts.ts";
import { openStage, type Scene, type Stage } from "./scene.ts";
import { judge, type Outcome, shapeTable, shown, verdictTable } from "./verdict.ts";

const WARM_UP_SECONDS = 5;

const { values } = parseArgs({
	options: {
		goals: { type: "string" },
		rounds: { type: "string", default: "5" },
		seconds: { type: "string", default: "5" },
		connections: { type: "string", default: "64" },
		merchants: { type: "string", default: "1000" },
		gateways: { type: "string", default: "5" },
		"soak-seconds": { type: "string", default: "600" },
		grown: { type: "string" },
		json: { type: "string" },
		strict: { type: "boolean", default: false },
	},
});

const started = performance.now();
const options: RunOptions = {
	rounds: Number(values.rounds),
	seconds: Number(values.seconds),
	connections: Number(values.connections),
	soak_seconds: Number(values["soak-seconds"]),
	grown_directory: values.grown ?? null,
	report(line) {
		const seconds = Math.round((performance.now() - started) / 1_000);
		console.log(`${String(Math.floor(seconds / 60)).padStart(3)}:${String(seconds % 60).padStart(2, "0")}  ${line}`);
	},
};

let stage: Stage | null = null;
let scene: Scene | null = null;
let stopping = false;

async function cleanUp(): Promise<void> {
	stopping = true;
	await scene?.close();
	await stage?.close();
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
	process.on(signal, () => {
		if (stopping) {
			killParts();
			process.exit(1);
		}
		console.log("\nStopping; a second Ctrl-C stops at once.");
		cleanUp().finally(() => process.exit(130));
	});
}

try {
	const wanted = values.goals?.split(",").map(Number);
	const goals = (await readGoals()).filter(({ number }) => wanted === undefined || wanted.includes(number));
	if (goals.length === 0) throw new Error(`There is no goal ${values.goals}.`);
	const shapes = [...new Map(goals.flatMap((goal) => goal.shapes.map((shape) => [shape.name, shape]))).values()];
	stage = await openStage({
		merchants: Number(values.merchants),
		gateways: Number(values.gateways),
		report: options.report,
	});
	const machine = await describeMachine(stage.ground);
	options.report(machine);
	const outcomes = new Map<string, Outcome>(shapes.map(({ name }) => [name, { figures: [], failure: null }]));

	const groups = Map.groupBy(
		shapes.filter(({ when }) => when === "each round"),
		({ needs }) => needs.map(({ name }) => name).join(" + "),
	);
	for (let round = 1; round <= options.rounds; round++) {
		for (const group of groups.values()) await measure(group, outcomes, `round ${round}  `);
	}
	for (const shape of shapes.filter(({ when }) => when === "once")) {
		const minutes = Math.ceil((shape.takes_seconds ?? 60) / 60);
		options.report(`${shape.name}: about ${minutes} ${minutes === 1 ? "minute" : "minutes"} …`);
		await measure([shape], outcomes, "");
	}

	if (stopping) throw new Error("stopped");
	const verdicts = goals.flatMap((goal) => judge(goal, outcomes));
	console.log(
		`\n${machine}; ${options.connections} connections, medians of ${options.rounds} rounds of ${options.seconds} s\n`,
	);
	console.log(`${verdictTable(verdicts)}\n\n${shapeTable(shapes, outcomes)}\n`);
	if (values.json !== undefined) {
		const figures = Object.fromEntries([...outcomes].map(([name, outcome]) => [name, outcome.figures]));
		await writeFile(values.json, `${JSON.stringify({ machine, options, verdicts, figures }, null, "\t")}\n`);
	}
	const errors = [...outcomes.values()].some(({ failure }) => failure !== null && !(failure instanceof NotHere));
	const missed = verdicts.some(({ met }) => met === false);
	process.exitCode = errors || (values.strict && missed) ? 1 : 0;
} catch (error) {
	// What was being measured breaks when everything is being stopped under it.
	if (!stopping) throw error;
} finally {
	if (!stopping) await cleanUp();
}

async function readGoals(): Promise<Goal[]> {
	const folder = join(import.meta.dirname, "goals");
	const files = (await readdir(folder)).filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"));
	const goals = await Promise.all(files.map(async (file) => (await import(join(folder, file))).goal as Goal));
	return goals.sort((a, b) => a.number - b.number);
}

/** Measures shapes that need the same parts, one after the other on one scene. */
async function measure(group: Shape[], outcomes: Map<string, Outcome>, prefix: string): Promise<void> {
	if (stopping) throw new Error("stopped");
	const left = group.filter(({ name }) => !(outcomes.get(name)!.failure instanceof NotHere));
	if (left.length === 0) return;
	const fail = (shape: Shape, failure: Error) => {
		const outcome = outcomes.get(shape.name)!;
		outcome.failure = failure;
		outcome.figures.push(null);
		const here = failure instanceof NotHere ? failure.message : failure.stack;
		if (!stopping) options.report(`${prefix}${shape.name}: not measured: ${here}`);
	};
	try {
		scene = await stage!.open(left[0]!.needs);
	} catch (error) {
		for (const shape of left) fail(shape, error as Error);
		return;
	}
	try {
		let warm = false;
		for (const shape of left) {
			try {
				const { warm_up_seconds = warm ? 0 : Math.min(WARM_UP_SECONDS, options.seconds) } = shape;
				if (shape.when === "each round" && warm_up_seconds > 0) {
					await shape.measure(scene, { ...options, seconds: warm_up_seconds });
					await scene.analyze();
					warm = true;
				}
				const figures = await shape.measure(scene, options);
				outcomes.get(shape.name)!.figures.push(figures);
				const words = Object.entries(figures).map(([key, value]) => `${key.replaceAll("_", " ")} ${shown(value)}`);
				options.report(`${prefix}${shape.name}: ${words.join(", ")}`);
			} catch (error) {
				fail(shape, error as Error);
			}
		}
	} finally {
		if (!stopping) {
			await scene.close();
			scene = null;
		}
	}
}
