/**
 * Reads the tar of a base backup (ustar, as PostgreSQL writes it: plain files, directories, no extensions), compares each file
 * with the manifest, and puts it down where it is wanted.
 */
import { createHash, type Hash } from "node:crypto";
import { chownSync, closeSync, createReadStream, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { createGunzip } from "node:zlib";
import { DamagedBackup, type ManifestFile } from "./manifest.ts";

const BLOCK = 512;

export interface Target {
	directory: string;
	/** Whose the files become; null = the caller's. */
	owner: { uid: number; gid: number } | null;
}

interface Entry {
	path: string;
	is_directory: boolean;
	left: number;
	padding: number;
	hash: Hash;
	size: number;
	file: number | null;
}

/** Returns how many bytes its files have. Without a target it only compares. */
export async function readArchive(
	archive: string,
	manifest: ReadonlyMap<string, ManifestFile>,
	target: Target | null,
): Promise<number> {
	const missing = new Set(manifest.keys());
	let total = 0;
	let entry: Entry | null = null;
	let rest: Buffer = Buffer.alloc(0);
	const finish = (done: Entry) => {
		// The server itself brings all of them to disk before it replays.
		if (done.file !== null) closeSync(done.file);
		if (done.is_directory) return;
		const expected = manifest.get(done.path);
		if (expected === undefined)
			throw new DamagedBackup(`${archive} holds ${done.path}, which its manifest does not name.`);
		if (expected.size !== done.size || expected.sha256 !== done.hash.digest("hex")) {
			throw new DamagedBackup(`${done.path} in ${archive} is not what the manifest says.`);
		}
		missing.delete(done.path);
		total += done.size;
	};
	const content = createReadStream(archive, { highWaterMark: 2 ** 20 }).pipe(createGunzip({ chunkSize: 2 ** 20 }));
	try {
		for await (const chunk of content as AsyncIterable<Buffer>) {
			let bytes: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
			for (;;) {
				if (entry === null) {
					if (bytes.length < BLOCK) break;
					entry = readHeader(bytes.subarray(0, BLOCK), archive);
					bytes = bytes.subarray(BLOCK);
					if (entry !== null && target !== null) place(entry, target);
					if (entry === null) continue;
				}
				if (entry.left > 0) {
					if (bytes.length === 0) break;
					const part = bytes.subarray(0, Math.min(entry.left, bytes.length));
					entry.hash.update(part);
					if (entry.file !== null) writeAll(entry.file, part);
					entry.left -= part.length;
					bytes = bytes.subarray(part.length);
					if (entry.left > 0) break;
				}
				if (bytes.length < entry.padding) break;
				bytes = bytes.subarray(entry.padding);
				finish(entry);
				entry = null;
			}
			rest = bytes;
		}
	} catch (error) {
		if (!(error as NodeJS.ErrnoException).code?.startsWith("Z_")) throw error;
		throw new DamagedBackup(`${archive} is cut off or damaged.`, { cause: error });
	}
	if (entry !== null || missing.size > 0) {
		throw new DamagedBackup(`${archive} lacks ${[...missing][0] ?? "its end"}, which its manifest names.`);
	}
	return total;
}

/** Null for the blocks of zeros at the end. */
function readHeader(block: Buffer, archive: string): Entry | null {
	if (block.every((byte) => byte === 0)) return null;
	const text = (from: number, length: number) => block.toString("utf8", from, from + length).replace(/\0.*$/s, "");
	const prefix = text(345, 155);
	const path = prefix === "" ? text(0, 100) : `${prefix}/${text(0, 100)}`;
	const size = Number.parseInt(text(124, 12).trim() || "0", 8);
	const type = text(156, 1);
	if (!["", "0", "5"].includes(type) || !Number.isSafeInteger(size)) {
		throw new DamagedBackup(`${archive} holds ${path} in a way that cannot be read (type ${type}).`);
	}
	const is_directory = type === "5";
	if (!is_directory && (path.startsWith("/") || normalize(path).startsWith(".."))) {
		throw new DamagedBackup(`${archive} holds ${path}, which does not belong into a data directory.`);
	}
	return {
		path: path.replace(/^\.\//, ""),
		is_directory,
		size,
		left: size,
		padding: (BLOCK - (size % BLOCK)) % BLOCK,
		hash: createHash("sha256"),
		file: null,
	};
}

function place(entry: Entry, { directory, owner }: Target): void {
	const path = join(directory, entry.path);
	if (entry.is_directory) {
		makeDirectory(path, directory, owner);
		return;
	}
	makeDirectory(dirname(path), directory, owner);
	entry.file = openSync(path, "wx", 0o600);
	if (owner !== null) chownSync(path, owner.uid, owner.gid);
}

function makeDirectory(path: string, top: string, owner: Target["owner"]): void {
	if (!path.startsWith(top) || path === top) return;
	if (mkdirSync(path, { recursive: true, mode: 0o700 }) === undefined) return;
	if (owner === null) return;
	for (let made = path; made !== top; made = dirname(made)) chownSync(made, owner.uid, owner.gid);
}

function writeAll(file: number, bytes: Buffer): void {
	for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
}
