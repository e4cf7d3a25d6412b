/** A disk that can be full from one moment to the next: one in memory, whose size is changed. */
import { execFileSync } from "node:child_process";
import { mkdirSync, statfsSync } from "node:fs";

export interface SmallDisk {
	directory: string;
	fill(): void;
	free(): void;
	/** Its content, on another disk. */
	keep(directory: string): string;
	remove(): void;
}

const ROOMY = "6g";

/** Null where none can be mounted. */
export function openDisk(directory: string): SmallDisk | null {
	if (process.platform !== "linux" || process.getuid?.() !== 0) return null;
	mkdirSync(directory);
	// What it says of a size that is too small is of no interest.
	const resize = (size: string) =>
		execFileSync("mount", ["-o", `remount,size=${size}`, directory], { stdio: "ignore" });
	const remove = () => execFileSync("umount", ["--lazy", directory]);
	try {
		execFileSync("mount", ["-t", "tmpfs", "-o", `size=${ROOMY},mode=0711`, "chaos", directory], { stdio: "ignore" });
	} catch {
		return null;
	}
	return {
		directory,
		fill() {
			// What is written meanwhile makes the new size too small, which is refused.
			for (let margin = 0; ; margin += 16) {
				const { blocks, bfree, bsize } = statfsSync(directory);
				try {
					resize(String((blocks - bfree + margin) * bsize));
					return;
				} catch (error) {
					if (margin > 1_000) throw error;
				}
			}
		},
		free: () => resize(ROOMY),
		keep(kept) {
			execFileSync("cp", ["-a", `${directory}/postgres`, kept]);
			remove();
			return kept;
		},
		remove,
	};
}
