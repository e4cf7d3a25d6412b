/**
 * A base backup by the replication protocol (BASE_BACKUP): a copy of the whole cluster, taken while it runs, as one tar a
 * tablespace and the manifest that names every file with its SHA-256. The embedded server comes without pg_basebackup.
 * https://www.postgresql.org/docs/18/protocol-replication.html
 */
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { createConnection } from "../client/connection.ts";

export interface TakenBackup {
	timeline: number;
	/** The WAL from here to there makes the copy consistent. */
	wal_from: string;
	wal_to: string;
	wal_segment_bytes: number;
}

/** What the server sends of a copy: the first byte says which. */
const NEW_ARCHIVE = "n".charCodeAt(0);
const MANIFEST = "m".charCodeAt(0);
const DATA = "d".charCodeAt(0);

export const MANIFEST_FILE = "backup_manifest";

/** Writes the backup's files into `directory`, which exists and is empty. The URL's role has the attribute REPLICATION. */
export async function takeBaseBackup(url: string, directory: string, label: string): Promise<TakenBackup> {
	const client = createConnection({
		connectionString: url,
		application_name: "lightspeedpay-backup",
		// A walsender's connection: it knows replication commands only.
		...{ replication: "true" },
	});
	await client.connect();
	try {
		const { rows } = await client.query<{ wal_segment_size: string }>("SHOW wal_segment_size");
		const copy = new BackupCopy(
			`BASE_BACKUP (LABEL ${pg.escapeLiteral(label)}, CHECKPOINT 'fast', MANIFEST 'yes', MANIFEST_CHECKSUMS 'SHA256',
				COMPRESSION 'gzip', COMPRESSION_DETAIL 'level=1')`,
			directory,
		);
		client.query(copy as unknown as pg.Submittable);
		const [started, ended] = await copy.done;
		return {
			timeline: Number(started.timeline),
			wal_from: started.lsn,
			wal_to: ended.lsn,
			wal_segment_bytes: Number.parseInt(rows[0]!.wal_segment_size, 10) * 2 ** 20,
		};
	} finally {
		await client.end();
	}
}

interface Position {
	lsn: string;
	timeline: string;
}

/** One replication command whose answer is: where it starts, the tablespaces, the copy, where it ended. */
class BackupCopy {
	readonly done: Promise<[started: Position, ended: Position]>;
	#command: string;
	#directory: string;
	#file: number | null = null;
	#rows: (string | null)[][] = [];
	#failure: Error | null = null;
	#settle: { resolve(positions: [Position, Position]): void; reject(error: Error): void };

	constructor(command: string, directory: string) {
		this.#command = command;
		this.#directory = directory;
		const { promise, resolve, reject } = Promise.withResolvers<[Position, Position]>();
		this.done = promise;
		this.#settle = { resolve, reject };
	}

	submit(connection: { query(text: string): void }): void {
		connection.query(this.#command);
	}

	handleRowDescription(): void {}

	handleDataRow({ fields }: { fields: (string | null)[] }): void {
		this.#rows.push(fields);
	}

	/** Written before the next is read, so that a slow disk slows the server down instead of filling the memory. */
	handleCopyData({ chunk }: { chunk: Buffer }): void {
		if (this.#failure !== null) return;
		try {
			const kind = chunk[0];
			if (kind === DATA) this.#write(chunk.subarray(1));
			else if (kind === NEW_ARCHIVE) this.#open(chunk.toString("utf8", 1, chunk.indexOf(0, 1)));
			else if (kind === MANIFEST) this.#open(MANIFEST_FILE);
		} catch (error) {
			this.#failure = error as Error;
		}
	}

	handleCommandComplete(): void {}

	handleError(error: Error): void {
		this.#failure ??= error;
		// A connection that is lost says nothing more.
		this.#end();
	}

	handleReadyForQuery(): void {
		this.#end();
	}

	#write(bytes: Buffer): void {
		for (let written = 0; written < bytes.length; ) {
			written += writeSync(this.#file as number, bytes, written);
		}
	}

	#open(name: string): void {
		this.#close();
		if (!/^[\w.]+$/.test(name)) throw new Error(`The server sends a file of the strange name ${name}.`);
		this.#file = openSync(join(this.#directory, name), "wx", 0o600);
	}

	#close(): void {
		if (this.#file === null) return;
		fsyncSync(this.#file);
		closeSync(this.#file);
		this.#file = null;
	}

	#end(): void {
		try {
			this.#close();
		} catch (error) {
			this.#failure ??= error as Error;
		}
		if (this.#failure !== null) {
			this.#settle.reject(this.#failure);
			return;
		}
		const position = ([lsn, timeline]: (string | null)[]): Position => ({ lsn: lsn!, timeline: timeline! });
		this.#settle.resolve([position(this.#rows[0]!), position(this.#rows.at(-1)!)]);
	}
}
