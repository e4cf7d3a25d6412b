import type pg from "pg";
import { toDomainError } from "./errors.ts";

export type Queryable = Pick<pg.Pool, "query">;

/**
 * Runs one statement, prepared on its connection under `name`, and turns what the database refuses into DomainErrors.
 * Every caller in this folder goes through here: one round trip each.
 */
export async function callRows<Row extends object>(
	database: Queryable,
	name: string,
	text: string,
	values: unknown[],
): Promise<Row[]> {
	try {
		const { rows } = await database.query<Row & pg.QueryResultRow>({ name, text, values });
		return rows;
	} catch (error) {
		throw toDomainError(error);
	}
}

/** The single value of a function that returns one. */
export async function callValue<Value>(
	database: Queryable,
	name: string,
	text: string,
	values: unknown[],
): Promise<Value> {
	const rows = await callRows<{ value: Value }>(database, name, text, values);
	return rows[0]!.value;
}
