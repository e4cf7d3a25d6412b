import type { NextFunction, Request, Response } from "express";
import { z } from "zod";
import { serviceOf } from "./request-log.ts";

const DEFAULT_SLOW_MS = 6_000;
const DEFAULT_TIMEOUT_MS = 60_000;

/**
 * What may go wrong on the way to an outside system.
 *   status              answers with a status and does nothing
 *   slow                does it, after delay_ms
 *   drop_before         closes the connection and does nothing
 *   drop_after_success  does it, then closes the connection instead of answering (after delay_ms)
 *   timeout             does nothing and says nothing for delay_ms, then closes the connection
 */
export const faultSchema = z.strictObject({
	service: z.string().min(1).max(40),
	path: z.string().startsWith("/").max(200).optional(),
	method: z.enum(["GET", "POST", "PUT", "PATCH", "DELETE"]).optional(),
	kind: z.enum(["status", "slow", "drop_before", "drop_after_success", "timeout"]),
	status: z.int().min(200).max(599).default(500),
	html: z.boolean().default(false),
	retry_after: z.int().min(0).max(86_400).optional(),
	delay_ms: z.number().min(0).max(300_000).optional(),
	times: z.int().min(1).max(1_000_000_000).default(1),
});

export type FaultInput = z.infer<typeof faultSchema>;

export interface Fault extends FaultInput {
	id: number;
	used: number;
}

/** How a service words an error it did not expect, so that an injected status looks like the real thing. */
export type FaultBody = (status: number) => unknown;

function matches(fault: Fault, req: Request, service: string): boolean {
	if (fault.service !== service || fault.used >= fault.times) return false;
	if (fault.method !== undefined && fault.method !== req.method) return false;
	if (fault.path === undefined) return true;
	return req.path.startsWith(fault.path) || req.path.slice(service.length + 1).startsWith(fault.path);
}

function dropConnection(res: Response): void {
	res.socket?.destroy();
}

export class Faults {
	#faults: Fault[] = [];
	#sequence = 0;
	readonly #bodies = new Map<string, FaultBody>();
	readonly #timers = new Set<NodeJS.Timeout>();

	describeErrorsOf(service: string, body: FaultBody): void {
		this.#bodies.set(service, body);
	}

	add(input: FaultInput): Fault {
		this.#sequence += 1;
		const fault = { ...input, id: this.#sequence, used: 0 };
		this.#faults.push(fault);
		return fault;
	}

	list(): Fault[] {
		return this.#faults;
	}

	clear(): void {
		this.#faults = [];
	}

	close(): void {
		for (const timer of this.#timers) clearTimeout(timer);
		this.#timers.clear();
	}

	inject = (req: Request, res: Response, next: NextFunction) => {
		if (this.#faults.length === 0) return next();
		const service = serviceOf(req.path);
		const fault = this.#faults.find((candidate) => matches(candidate, req, service));
		if (fault === undefined) return next();
		fault.used += 1;
		if (fault.used >= fault.times) this.#faults = this.#faults.filter((other) => other !== fault);
		res.locals.fault = fault.kind;
		switch (fault.kind) {
			case "status":
				this.#after(fault.delay_ms ?? 0, () => this.#answer(service, fault, res));
				return;
			case "slow":
				this.#after(fault.delay_ms ?? DEFAULT_SLOW_MS, next);
				return;
			case "drop_before":
				this.#after(fault.delay_ms ?? 0, () => dropConnection(res));
				return;
			case "timeout":
				this.#after(fault.delay_ms ?? DEFAULT_TIMEOUT_MS, () => dropConnection(res));
				return;
			case "drop_after_success": {
				// The handler runs to its end and believes that it has answered; nothing of the answer leaves.
				const swallow = () => {
					this.#after(fault.delay_ms ?? 0, () => dropConnection(res));
					return res;
				};
				res.writeHead = swallow as typeof res.writeHead;
				res.write = (() => true) as typeof res.write;
				res.end = swallow as typeof res.end;
				next();
			}
		}
	};

	#answer(service: string, fault: Fault, res: Response): void {
		res.status(fault.status);
		if (fault.retry_after !== undefined) res.set("Retry-After", String(fault.retry_after));
		if (fault.html) {
			res
				.type("html")
				.send(`<html><head><title>${fault.status}</title></head><body><h1>${fault.status}</h1></body></html>`);
			return;
		}
		res.json(this.#bodies.get(service)?.(fault.status) ?? { error: "injected fault" });
	}

	#after(delay: number, action: () => void) {
		if (delay === 0) return action();
		const timer = setTimeout(() => {
			this.#timers.delete(timer);
			action();
		}, delay);
		this.#timers.add(timer);
	}
}
