import type { Pool } from "pg";
import type { Logger } from "pino";
import type { z } from "zod";
import type { EncryptionKeys } from "../db/client/secrets.ts";
import type { PayoutAdapters } from "../psp/payout-providers.ts";
import type { PspAdapters } from "../psp/providers.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import type { AlertChannel } from "./alerts/channel.ts";
import type { CheckoutUrls } from "./checkout-urls.ts";
import type { DeliveryGate } from "./delivery-gate.ts";
import type { JobLog } from "./log.ts";
import type { JobsMetrics } from "./metrics.ts";
import type { Outbound } from "./outbound.ts";
import type { Clock } from "./schedules.ts";
import type { SharedCalls } from "./shared-calls.ts";
import type { StudioClient } from "./studio.ts";
import type { WhatsappAdapter } from "./whatsapp/adapter.ts";
import type { TokenKeeper } from "./whatsapp/token-keeper.ts";

/** What every task may use; made once when the process starts. */
export interface Services {
	database: Pool;
	/** Calls that jobs running at the same time make together. */
	shared: SharedCalls;
	keys: EncryptionKeys;
	adapters: PspAdapters;
	payout_adapters: PayoutAdapters;
	urls: CheckoutUrls;
	outbound: Outbound;
	gate: DeliveryGate;
	studio: StudioClient;
	clock: Pick<Clock, "offer">;
	metrics: JobsMetrics;
	/** Null: nobody traces. */
	tracing: Tracing | null;
	/** Where operators hear of alerts. */
	alert_channels: readonly AlertChannel[];
	/** Null: no provider is configured, and nothing is sent. */
	whatsapp: WhatsappChannel | null;
	log: Logger;
}

export interface WhatsappChannel {
	adapter: WhatsappAdapter;
	tokens: TokenKeeper;
}

/** One run of a job: the services, and which try this is. */
export interface TaskContext extends Omit<Services, "log"> {
	/** Carries the job's id, task and try. */
	log: JobLog;
	job: {
		id: string;
		/** 1 on the first run. */
		attempt: number;
		/** Nobody runs the job again after this one. */
		is_last_attempt: boolean;
		/** Goes before others, as a payer waits for it. */
		is_urgent: boolean;
	};
}

/** A file in tasks/: named like its task. Tasks may run twice; whatever they do outside must bear that. */
export interface TaskModule<Payload = unknown> {
	payload: z.ZodType<Payload>;
	default: (payload: Payload, context: TaskContext) => Promise<void>;
}

/**
 * Not a fault: what the task waits for is not there yet. The job is tried again after exp(attempt) seconds (2.7, 7.4, 20,
 * 55, 148 …), Graphile Worker's one curve. A task returns instead of throwing this on its last try, when the schedules
 * take over, so that jobs that have failed for good are faults and nothing else.
 */
export class TryAgain extends Error {
	override readonly name = "TryAgain";
}
