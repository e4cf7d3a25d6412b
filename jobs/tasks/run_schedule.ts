import { z } from "zod";
import type { TaskContext } from "../task.ts";

export const payload = z.strictObject({ schedule: z.string() });

/** An operator wants a schedule to run now, as its runs before have failed. */
export default async function runSchedule({ schedule }: z.infer<typeof payload>, context: TaskContext): Promise<void> {
	const runs = await context.clock.offer(schedule);
	context.log.info({ schedule, closed_failures: runs }, "schedule offered anew");
}
