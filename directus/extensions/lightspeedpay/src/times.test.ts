import { expect, it } from "vitest";
import { timesIn } from "./times.ts";

it.each([
	["2026-11-21T20:00:00Z", "01:30", "01:30"],
	["2026-11-21T18:00:00Z", "21 Nov, 23:30", "21 नव॰, 23:30"],
	["2026-11-22T18:30:00Z", "23 Nov, 00:00", "23 नव॰, 00:00"],
])("names the day of %s only where it is not today in India", (moment, english, hindi) => {
	const now = Date.parse("2026-11-22T06:00:00Z");
	expect(timesIn("en-IN").minuteOfRecent(moment, now)).toBe(english);
	expect(timesIn("hi-IN").minuteOfRecent(moment, now)).toBe(hindi);
});
