/**
 * The archive of the write-ahead log: one compressed file a segment, put there by the server itself (archive_command), which
 * keeps a segment until that succeeded.
 */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";

/**
 * Written beside its place, on disk before it gets its name, and never over another file: a name that is taken is a success
 * only if it holds the same (the server may ask again after a crash). %p is the segment's path, %f its name.
 */
export function archiveCommand(directory: string): string {
	const place = `${shellQuote(directory)}/%f`;
	return (
		`if [ -e ${place}.gz ]; then gzip -dc ${place}.gz | cmp -s - "%p"; ` +
		`else gzip -1 -c "%p" > ${place}.part && sync ${place}.part && ln ${place}.part ${place}.gz && rm ${place}.part && sync ${shellQuote(directory)}; fi`
	);
}

/** From the archive, else from where the server that is gone left what it had not archived yet. */
export function restoreCommand(directory: string, left_behind: string | null): string {
	const archived = `${shellQuote(directory)}/%f.gz`;
	const other = left_behind === null ? "false" : `cp ${shellQuote(left_behind)}/%f "%p"`;
	return `if [ -e ${archived} ]; then gzip -dc ${archived} > "%p"; else ${other}; fi`;
}

/** For sh, inside a setting where % stands for what the server fills in. */
function shellQuote(path: string): string {
	return `'${path.replaceAll("'", `'\\''`).replaceAll("%", "%%")}'`;
}

export interface WalRange {
	timeline: number;
	wal_from: string;
	wal_to: string;
	wal_segment_bytes: number;
}

/** Names of the segments that hold the range. */
export function segmentsOf({ timeline, wal_from, wal_to, wal_segment_bytes }: WalRange): string[] {
	const size = BigInt(wal_segment_bytes);
	const per_file = 2n ** 32n / size;
	// A range that ends with a segment needs nothing of the next one.
	const last = (positionOf(wal_to) - 1n) / size;
	const names: string[] = [];
	for (let number = positionOf(wal_from) / size; number <= last; number++) {
		const parts = [BigInt(timeline), number / per_file, number % per_file];
		names.push(parts.map((part) => part.toString(16).toUpperCase().padStart(8, "0")).join(""));
	}
	return names;
}

function positionOf(lsn: string): bigint {
	const [high, low] = lsn.split("/");
	return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}

const SEGMENT = /^([0-9A-F]{8})([0-9A-F]{16})(\.[0-9A-F]{8}\.backup)?\.gz$/;

export async function listSegments(directory: string): Promise<Set<string>> {
	const names = await readdir(directory);
	return new Set(names.filter((name) => SEGMENT.test(name)).map((name) => name.slice(0, -3)));
}

/** Removes what no kept backup needs: segments before `first`, of whichever timeline. Returns how many. */
export async function pruneSegments(directory: string, first: string): Promise<number> {
	let removed = 0;
	for (const name of await readdir(directory)) {
		const [, , place] = SEGMENT.exec(name) ?? [];
		if (place === undefined || place >= first.slice(8)) continue;
		await rm(join(directory, name));
		removed++;
	}
	return removed;
}
