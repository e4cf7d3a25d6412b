/**
 * Tells the database who is asking: the settings app.actor and app.address, which the audit triggers read.
 *
 * Directus runs update filters outside the transaction that follows them, so a setting made there would not be seen. Instead
 * the person travels with the request (AsyncLocalStorage), and each connection taken from the pool is told when it last
 * worked for somebody else. The settings last for the session: the studio must not sit behind a pooler that shares sessions.
 */
import { defineHook } from "@directus/extensions-sdk";
import { type Person, people } from "./people.ts";

interface Connection {
	query(statement: { text: string; values: string[] }): Promise<unknown>;
}

const NOBODY: Person = { actor: "", address: "" };

export default defineHook(({ init }, { database }) => {
	const told = new WeakMap<Connection, Person>();
	const client = database.client;
	const acquire: () => Promise<Connection> = client.acquireConnection.bind(client);

	client.acquireConnection = async () => {
		const person = people.getStore() ?? NOBODY;
		const connection = await acquire();
		const known = told.get(connection) ?? NOBODY;
		if (known.actor === person.actor && known.address === person.address) return connection;
		try {
			await connection.query({
				text: "select set_config('app.actor', $1, false), set_config('app.address', $2, false)",
				values: [person.actor, person.address],
			});
		} catch (error) {
			told.delete(connection);
			client.releaseConnection(connection);
			throw error;
		}
		told.set(connection, person);
		return connection;
	};

	init("middlewares.after", ({ app }) => {
		app.use((req: { accountability?: { user: string | null; ip: string | null } }, _res: unknown, next: () => void) => {
			const person = { actor: req.accountability?.user ?? "", address: req.accountability?.ip ?? "" };
			people.run(person, next);
		});
	});
});
