import pg from "pg";

/**
 * A connection of one's own beside the pools. What breaks it shows in the question that needed it, and in the next; unheard, the
 * breach would end the process.
 */
export function createConnection(config: string | pg.ClientConfig): pg.Client {
	const connection = new pg.Client(config);
	connection.on("error", () => {});
	return connection;
}
