import { expect, it } from "vitest";
import { rowsPushedOut } from "./rows-of-pages.ts";

it.each([
	["nothing happened", "edc", "edc", "ba", ""],
	["two rows came", "gfe", "edc", "ba", "dc"],
	["all rows are new", "ihg", "edc", "ba", "edc"],
	["a row left the list", "eca", "edc", "ba", ""],
	["a row left, and there is no further one", "ec", "edc", "", ""],
	["a row came as another left", "fec", "edc", "ba", ""],
	["a row of a further page came to the top", "bed", "edc", "ba", "c"],
	["all rows left the list", "", "edc", "", ""],
])("knows what was pushed out of the first page when %s", (_, now, before, further, pushed_out) => {
	const rows = (ids: string) => [...ids];
	expect(rowsPushedOut(rows(now), rows(before), rows(further), (id) => id).join("")).toBe(pushed_out);
});
