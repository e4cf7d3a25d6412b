/** What a list has under a name that came from outside. "constructor" is in none of them, though every object has one. */
export function entryOf<Entry>(
	list: Readonly<Record<string, Entry>>,
	name: string | null | undefined,
): Entry | undefined {
	return name !== null && name !== undefined && Object.hasOwn(list, name) ? list[name] : undefined;
}
