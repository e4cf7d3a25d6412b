/** The parts of @directus/api that are used here; the package ships no types. */
declare module "@directus/api/database/index" {
	interface Database {
		destroy(): Promise<void>;
	}
	export function getDatabase(): Database;
	export function isInstalled(): Promise<boolean>;
}
declare module "@directus/api/database/migrations/run" {
	export default function run(database: unknown, direction: "latest", log?: boolean): Promise<void>;
}
declare module "@directus/api/database/seeds/run" {
	export default function runSeed(database: unknown): Promise<void>;
}
declare module "@directus/api/server" {
	import type { Server } from "node:http";
	export function createServer(): Promise<Server>;
}
