import { Router } from "express";
import { readHealth } from "../../../db/client/payments.ts";
import type { Dependencies } from "../../dependencies.ts";
import { sendJson } from "../../middleware/send-json.ts";
import type { JobsPart, Part, Readiness } from "./schema.ts";

const CHECK_TIMEOUT_MS = 2_000;
/** Probes of any number share a check. */
const FRESH_MS = 500;
/** Workers beat every few seconds. */
const WORKER_SILENCE_SECONDS = 30;

export function healthRoutes({ pool, listener, logger }: Dependencies): Router {
	const router = Router();
	let last: { at: number; readiness: Promise<Readiness> } | undefined;

	router.get("/healthz", (_req, res) => sendJson(res, 200, { status: "ok" }));

	router.get("/readyz", async (_req, res) => {
		if (last === undefined || performance.now() - last.at > FRESH_MS) {
			last = { at: performance.now(), readiness: check() };
		}
		const readiness = await last.readiness;
		sendJson(res, readiness.status === "unavailable" ? 503 : 200, readiness);
	});

	async function check(): Promise<Readiness> {
		const health = timed("database", () => readHealth(pool));
		const [database, listening, jobs] = await Promise.all([
			health.then(({ part }) => part),
			timed("listener", () => listener.probe()).then(({ part }) => part),
			health.then(({ part, value }): JobsPart => {
				const seconds = value?.worker_seen_seconds_ago ?? null;
				const is_alive = seconds !== null && seconds <= WORKER_SILENCE_SECONDS;
				return {
					...part,
					status: is_alive ? "ok" : "unavailable",
					worker_seen_seconds_ago: seconds,
					oldest_job_seconds: value?.oldest_job_seconds ?? null,
				};
			}),
		]);
		const parts = { database, listener: listening, jobs };
		const is_well = Object.values(parts).every(({ status }) => status === "ok");
		// Without workers payments are taken and wait; without announcements everything is asked of the database.
		return { status: is_well ? "ok" : database.status === "ok" ? "degraded" : "unavailable", parts };
	}

	async function timed<Value>(part: string, ask: () => Promise<Value>): Promise<{ part: Part; value: Value | null }> {
		const started = performance.now();
		const latency = () => Math.round((performance.now() - started) * 10) / 10;
		let timer: NodeJS.Timeout | undefined;
		const late = new Promise<never>((_, reject) => {
			timer = setTimeout(() => reject(new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`)), CHECK_TIMEOUT_MS);
		});
		try {
			const value = await Promise.race([ask(), late]);
			return { part: { status: "ok", latency_ms: latency() }, value };
		} catch (err) {
			logger.warn({ err, of: part }, "a readiness check failed");
			return { part: { status: "unavailable", latency_ms: latency() }, value: null };
		} finally {
			clearTimeout(timer);
		}
	}

	return router;
}
