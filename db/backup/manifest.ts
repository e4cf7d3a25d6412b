/** What a base backup says it holds. https://www.postgresql.org/docs/18/backup-manifest-format.html */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";

/** A backup that is not what its manifest says; the message is for whoever wants to restore it. */
export class DamagedBackup extends Error {
	override readonly name = "DamagedBackup";
}

const manifest = z.object({
	Files: z.array(
		z.object({
			Path: z.string().optional(),
			"Encoded-Path": z.string().optional(),
			Size: z.number(),
			"Checksum-Algorithm": z.literal("SHA256"),
			Checksum: z.string(),
		}),
	),
	"Manifest-Checksum": z.string(),
});

export interface ManifestFile {
	size: number;
	sha256: string;
}

/** By path below the data directory. */
export async function readManifest(file: string): Promise<Map<string, ManifestFile>> {
	const text = await readFile(file, "utf8");
	let parsed: z.output<typeof manifest>;
	try {
		parsed = manifest.parse(JSON.parse(text));
	} catch (cause) {
		throw new DamagedBackup(`${file} cannot be read as a manifest.`, { cause });
	}
	// The last line holds the checksum of all before it.
	const covered = text.slice(0, text.lastIndexOf('"Manifest-Checksum"'));
	if (createHash("sha256").update(covered).digest("hex") !== parsed["Manifest-Checksum"]) {
		throw new DamagedBackup(`${file} was changed after it was written.`);
	}
	return new Map(
		parsed.Files.map((entry) => [
			entry.Path ?? Buffer.from(entry["Encoded-Path"] ?? "", "hex").toString("utf8"),
			{ size: entry.Size, sha256: entry.Checksum },
		]),
	);
}
