import { Agent, request } from "undici";
import { Ring } from "./ring.ts";

const TIMEOUT_MS = 5_000;
const MAX_CONCURRENT = 64;
const MAX_WAITING = 50_000;

export interface OutgoingWebhook {
	service: string;
	event_id: string;
	event_type: string;
	url: string;
	/** A function where the provider signs each try anew. */
	headers: Record<string, string> | (() => Record<string, string>);
	body: string;
}

export interface WebhookDelivery {
	service: string;
	event_id: string;
	event_type: string;
	url: string;
	status: "waiting" | "delivered" | "given_up";
	attempts: number;
	last_status: number | null;
	last_error: string | null;
	created_at: string;
}

export interface WebhookSenderOptions {
	/** The wait before the second attempt; it doubles with each one after. */
	retry_base_ms: number;
	max_attempts: number;
}

/** Sends as providers do: at least once, five seconds to answer, the same bytes at growing intervals. */
export class WebhookSender {
	readonly #options: WebhookSenderOptions;
	readonly #deliveries = new Ring<WebhookDelivery>(2_000);
	readonly #waiting: (() => void)[] = [];
	readonly #timers = new Set<NodeJS.Timeout>();
	readonly #agent = new Agent({
		connect: { timeout: TIMEOUT_MS },
		headersTimeout: TIMEOUT_MS,
		bodyTimeout: TIMEOUT_MS,
	});
	#closed = false;
	#active = 0;

	constructor(options: WebhookSenderOptions) {
		this.#options = options;
	}

	/** Each webhook is first tried after the one before it was: providers promise no order, tests want to choose one. */
	async sendInOrder(webhooks: OutgoingWebhook[], delayMs = 0): Promise<void> {
		const deliveries = webhooks.map((webhook) => this.#track(webhook));
		if (delayMs > 0) await this.#sleep(delayMs);
		for (const [index, webhook] of webhooks.entries()) await this.#attempt(webhook, deliveries[index]!);
	}

	deliveries(): WebhookDelivery[] {
		return this.#deliveries.list();
	}

	close(): void {
		this.#closed = true;
		void this.#agent.destroy();
		for (const timer of this.#timers) clearTimeout(timer);
		this.#timers.clear();
		this.#waiting.length = 0;
	}

	#track(webhook: OutgoingWebhook): WebhookDelivery {
		const { service, event_id, event_type, url } = webhook;
		const delivery: WebhookDelivery = {
			service,
			event_id,
			event_type,
			url,
			status: "waiting",
			attempts: 0,
			last_status: null,
			last_error: null,
			created_at: new Date().toISOString(),
		};
		this.#deliveries.push(delivery);
		return delivery;
	}

	async #attempt(webhook: OutgoingWebhook, delivery: WebhookDelivery): Promise<void> {
		if (this.#closed) return;
		if (!(await this.#enter())) {
			delivery.status = "given_up";
			delivery.last_error = "too many webhooks are waiting";
			return;
		}
		delivery.attempts += 1;
		try {
			const { statusCode, body } = await request(webhook.url, {
				dispatcher: this.#agent,
				method: "POST",
				headers: typeof webhook.headers === "function" ? webhook.headers() : webhook.headers,
				body: webhook.body,
			});
			await body.dump();
			delivery.last_status = statusCode;
			delivery.last_error = null;
			if (statusCode >= 200 && statusCode < 300) delivery.status = "delivered";
		} catch (error) {
			delivery.last_status = null;
			delivery.last_error = error instanceof Error ? error.message : String(error);
		} finally {
			this.#leave();
		}
		if (delivery.status === "delivered" || this.#closed) return;
		if (delivery.attempts >= this.#options.max_attempts) {
			delivery.status = "given_up";
			return;
		}
		const wait = this.#options.retry_base_ms * 2 ** (delivery.attempts - 1);
		void this.#sleep(wait).then(() => this.#attempt(webhook, delivery));
	}

	#enter(): Promise<boolean> {
		if (this.#active < MAX_CONCURRENT) {
			this.#active += 1;
			return Promise.resolve(true);
		}
		if (this.#waiting.length >= MAX_WAITING) return Promise.resolve(false);
		return new Promise((resolve) => this.#waiting.push(() => resolve(true)));
	}

	#leave(): void {
		const next = this.#waiting.shift();
		if (next) next();
		else this.#active -= 1;
	}

	#sleep(ms: number): Promise<void> {
		return new Promise((resolve) => {
			const timer = setTimeout(() => {
				this.#timers.delete(timer);
				resolve();
			}, ms);
			this.#timers.add(timer);
		});
	}
}
