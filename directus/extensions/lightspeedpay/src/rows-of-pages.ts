export function without<Row>(rows: Row[], others: Row[], idOf: (row: Row) => string): Row[] {
	const ids = new Set(others.map(idOf));
	return rows.filter((row) => !ids.has(idOf(row)));
}

/**
 * What new rows push out of the first page is not on the pages after it, and must not be lost between them. A row that left the
 * list made room instead: then the first page ends with a row of the next.
 */
export function rowsPushedOut<Row>(now: Row[], before: Row[], further: Row[], idOf: (row: Row) => string): Row[] {
	const last = now.at(-1);
	if (last === undefined || further.some((row) => idOf(row) === idOf(last))) return [];
	const place = before.findIndex((row) => idOf(row) === idOf(last));
	return without(before.slice(place + 1), now, idOf);
}
