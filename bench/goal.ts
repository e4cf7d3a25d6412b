/**
 * What `npm run bench` is made of. A file in goals/ exports `goal`; run.ts measures its shapes and prints its verdict.
 *
 *   shape    one way to put load on the system, with the processes it needs and the figures that come out
 *   target   one line of the final table: a number made of shapes' figures, and what it must reach
 *   goal     what was promised: some targets, and the shapes they are made of
 *
 * A shape that several goals name is one constant, imported, and measured once for all of them.
 */
import type { Part } from "./parts.ts";
import type { Scene } from "./scene.ts";

export type Figures = Record<string, number>;

/** Milliseconds for the quantiles. */
export type Throughput = {
	per_second: number;
	p50: number;
	p99: number;
	/** Answers that were not 200, and requests without an answer. */
	refused: number;
};

export interface RunOptions {
	rounds: number;
	/** How long a shape measured each round is loaded. */
	seconds: number;
	connections: number;
	/** How long the load that is watched for growth lasts. */
	soak_seconds: number;
	/** A data directory that outlives the run, for what takes long to seed; null: one is made and removed. */
	grown_directory: string | null;
	/** Prints a line of progress. */
	report(line: string): void;
}

export interface Shape<F extends Figures = Figures> {
	name: string;
	/** Running while it is measured, and nothing else; in the order of their start. */
	needs: Part[];
	/**
	 * "each round": in turn with the shapes of the other goals, so that a slow minute hits all of them. "once": after the
	 * rounds, for what takes minutes.
	 */
	when: "each round" | "once";
	/** Roughly, for shapes measured once; told before. */
	takes_seconds?: number;
	/**
	 * For how long it is tried before it is measured; 0: not at all. Default: five seconds, once for all shapes that share their processes.
	 */
	warm_up_seconds?: number;
	measure(scene: Scene, options: RunOptions): Promise<F>;
}

/** The figures of a shape: of the round in question, or the only ones. */
export type Measured = <F extends Figures>(shape: Shape<F>) => F;

export interface Target {
	/** With its unit and conditions, as printed: "payments a second, 1,000 merchants". */
	what: string;
	unit: "/s" | "ms" | "s" | "×" | "%" | "MB" | "KB" | "";
	/** One of the two, or neither for a figure that is only told. */
	at_least?: number;
	at_most?: number;
	/** Called for each round; the median over the rounds counts. */
	value(of: Measured): number;
}

export interface Goal {
	number: number;
	title: string;
	shapes: Shape[];
	targets: Target[];
}

/** Thrown by a part or a shape that cannot be measured on this machine: told with the reason, and no error. */
export class NotHere extends Error {
	override name = "NotHere";
}
