import { open, rm } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { type Ground, withClient } from "./scene.ts";
import { median } from "./verdict.ts";

const FLUSHES = 200;

/** One line on what the figures were measured on. */
export async function describeMachine(ground: Ground): Promise<string> {
	const admin = new URL(ground.admin_url);
	admin.pathname = "/postgres";
	const { rows } = await withClient(admin.href, (client) =>
		client.query<{ version: string; fsync: string; synchronous_commit: string }>(
			`select current_setting('server_version') as version, current_setting('fsync') as fsync,
				current_setting('synchronous_commit') as synchronous_commit`,
		),
	);
	const { version, fsync, synchronous_commit } = rows[0]!;
	const flush = await flushTime(join(ground.home, "flush"));
	return [
		`${cpus().length} × ${cpus()[0]?.model.trim()}`,
		`Node ${process.version}`,
		`PostgreSQL ${version}`,
		`a flush of 8 KB takes ${flush.toFixed(2)} ms`,
		`fsync ${fsync}, synchronous_commit ${synchronous_commit}`,
	].join(", ");
}

/** Milliseconds until a block is on the disk, as the server's log is flushed. */
async function flushTime(path: string): Promise<number> {
	const file = await open(path, "w");
	const block = Buffer.alloc(8_192, 1);
	const times: number[] = [];
	try {
		for (let i = 0; i < FLUSHES; i++) {
			await file.write(block, 0, block.length, i * block.length);
			const before = performance.now();
			await file.datasync();
			times.push(performance.now() - before);
		}
	} finally {
		await file.close();
		await rm(path);
	}
	return median(times);
}
