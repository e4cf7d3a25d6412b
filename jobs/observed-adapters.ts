import type { Histogram } from "prom-client";
import type { PspAdapter } from "../psp/adapter.ts";
import type { PspAdapters } from "../psp/providers.ts";
import { currentScope } from "./job-scope.ts";

/** What an adapter does over the network; the rest is arithmetic. */
const CALLS = [
	"createOrder",
	"findOrder",
	"fetchStatus",
	"closeOrder",
	"refund",
	"fetchRefund",
	"transfer",
	"fetchSettlement",
] as const satisfies readonly (keyof PspAdapter)[];

type Call = (...args: unknown[]) => Promise<{ outcome: string }>;

/** Adapters whose calls are measured, are told as slow where they are, and belong to the trace of the payment at work. */
export function observeAdapters(
	adapters: PspAdapters,
	durations: Histogram<"provider" | "operation" | "outcome">,
	slow_ms: number,
): PspAdapters {
	const observed = Object.entries(adapters).map(([provider, adapter]) => {
		const copy = Object.create(adapter) as Record<string, Call>;
		for (const operation of CALLS) {
			const call = adapter[operation] as Call | undefined;
			if (call === undefined) continue;
			copy[operation] = (...args) => observe(provider, operation, () => call.apply(adapter, args), durations, slow_ms);
		}
		return [provider, copy];
	});
	return Object.fromEntries(observed);
}

async function observe(
	provider: string,
	operation: string,
	call: () => Promise<{ outcome: string }>,
	durations: Histogram<"provider" | "operation" | "outcome">,
	slow_ms: number,
): Promise<{ outcome: string }> {
	const started_at = performance.timeOrigin + performance.now();
	let outcome = "threw";
	try {
		const answer = await call();
		outcome = answer.outcome;
		return answer;
	} finally {
		const ended_at = performance.timeOrigin + performance.now();
		durations.observe({ provider, operation, outcome }, (ended_at - started_at) / 1000);
		const scope = currentScope();
		scope?.calls.push({
			name: `${provider} ${operation}`,
			kind: "client",
			started_at,
			ended_at,
			attributes: { "psp.provider": provider, "psp.operation": operation, "psp.outcome": outcome },
			...((outcome === "unknown" || outcome === "threw") && { error: outcome }),
		});
		if (ended_at - started_at >= slow_ms) {
			scope?.log.warn({ provider, operation, outcome, ms: Math.round(ended_at - started_at) }, "slow operation");
		}
	}
}
