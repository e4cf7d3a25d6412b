import { z } from "zod";

const Part = z.object({ status: z.enum(["ok", "unavailable"]), latency_ms: z.number() });

const JobsPart = Part.extend({
	worker_seen_seconds_ago: z.number().nullable().meta({ description: "Since a worker last said that it is alive." }),
	oldest_job_seconds: z.number().nullable().meta({ description: "How long the oldest due job has waited." }),
});

export const Readiness = z
	.object({
		status: z
			.enum(["ok", "degraded", "unavailable"])
			.meta({ description: "degraded: requests are served, and a part that they do not need at once is not well." }),
		parts: z.object({ database: Part, listener: Part, jobs: JobsPart }),
	})
	.meta({ id: "Readiness" });

export type Part = z.output<typeof Part>;
export type JobsPart = z.output<typeof JobsPart>;
export type Readiness = z.output<typeof Readiness>;
