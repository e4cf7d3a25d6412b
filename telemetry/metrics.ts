/** What every process shows of itself. Names: `lightspeedpay_`, base units (seconds, bytes), `_total` for counters; labels never hold an id. */
import { collectDefaultMetrics, Gauge, Registry } from "prom-client";

/** As pg.Pool counts. */
interface PoolCounts {
	totalCount: number;
	idleCount: number;
	waitingCount: number;
}

/** A registry with the process's own figures: CPU, memory, garbage collection, and how late its event loop is. */
export function createRegistry(): Registry {
	const registry = new Registry();
	collectDefaultMetrics({ register: registry, prefix: "lightspeedpay_" });
	return registry;
}

export function watchPools(registry: Registry, pools: Record<string, PoolCounts>): void {
	const registers = [registry];
	new Gauge({
		name: "lightspeedpay_database_connections",
		help: "Connections to the database, by pool and whether they are in use",
		labelNames: ["pool", "state"],
		registers,
		collect() {
			for (const [pool, { totalCount, idleCount }] of Object.entries(pools)) {
				this.set({ pool, state: "idle" }, idleCount);
				this.set({ pool, state: "busy" }, totalCount - idleCount);
			}
		},
	});
	new Gauge({
		name: "lightspeedpay_database_connections_waiting",
		help: "Calls that wait for a connection of the pool",
		labelNames: ["pool"],
		registers,
		collect() {
			for (const [pool, { waitingCount }] of Object.entries(pools)) this.set({ pool }, waitingCount);
		},
	});
}
