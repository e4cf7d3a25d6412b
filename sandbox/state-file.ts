import { readFileSync, renameSync, writeFileSync } from "node:fs";

/** What keeps all it knows for a next start. */
export interface Persistent {
	save(): Buffer;
	restore(saved: Buffer): void;
}

/** Of anything. More would make stopping and starting slow, and a person looks for recent ones. */
export const MAX_SAVED = 5_000;

/** null: there is none yet. */
export function readStateFile(file: string): Buffer | null {
	try {
		return readFileSync(file);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
		throw error;
	}
}

/** Whole or not at all, for its owner alone: it holds secrets. */
export function writeStateFile(file: string, content: string | Buffer): void {
	const temporary = `${file}.new`;
	writeFileSync(temporary, content, { mode: 0o600 });
	renameSync(temporary, file);
}

/** Runs what reads a state file, and says what to do when it cannot be read. */
export function readable<Result>(file: string, read: () => Result): Result {
	try {
		return read();
	} catch (error) {
		throw new Error(`The sandbox's state file ${file} cannot be read: delete it and start again.`, { cause: error });
	}
}
