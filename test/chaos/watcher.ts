/** What has become of payments, asked of the database for all that wait in one statement. */
import type pg from "pg";
import type { Presentation } from "../../psp/adapter.ts";

export interface AttemptNow {
	id: string;
	attempt_no: number;
	gateway_id: string;
	status: string;
	psp_order_id: string | null;
	presentation: Presentation | null;
}

export interface PaymentNow {
	id: string;
	status: string;
	is_paid: boolean;
	/** In their order. */
	attempts: AttemptNow[];
}

interface Waiting {
	fits: (payment: PaymentNow) => boolean;
	until: number;
	last: PaymentNow | null;
	done(payment: PaymentNow | null): void;
}

export interface Watcher {
	/** The payment once it fits; as it was last when that takes too long. */
	until(id: string, patience_ms: number, fits: (payment: PaymentNow) => boolean): Promise<PaymentNow | null>;
	close(): void;
}

const EVERY_MS = 150;

export function createWatcher(admin: pg.Pool): Watcher {
	const waiting = new Map<string, Waiting>();
	let is_asking = false;
	const timer = setInterval(async () => {
		if (is_asking || waiting.size === 0) return;
		is_asking = true;
		try {
			const { rows } = await admin.query<PaymentNow>(
				`select t.id, t.status, t.paid_at is not null as is_paid,
						(select jsonb_agg(jsonb_build_object('id', a.id, 'attempt_no', a.attempt_no, 'gateway_id', a.gateway_id,
							'status', a.status, 'psp_order_id', a.psp_order_id, 'presentation', a.presentation) order by a.attempt_no)
							from public.payment_attempts a where a.transaction_id = t.id) as attempts
					from public.transactions t where t.id = any ($1)`,
				[[...waiting.keys()]],
			);
			for (const payment of rows) {
				const one = waiting.get(payment.id);
				if (one === undefined) continue;
				one.last = payment;
				if (one.fits(payment)) end(payment.id, one);
			}
			for (const [id, one] of waiting) if (Date.now() > one.until) end(id, one);
		} catch (error) {
			for (const [id, one] of waiting) if (Date.now() > one.until) end(id, one);
			console.error(error);
		} finally {
			is_asking = false;
		}
	}, EVERY_MS);

	function end(id: string, one: Waiting): void {
		waiting.delete(id);
		one.done(one.last);
	}

	return {
		until(id, patience_ms, fits) {
			return new Promise((done) => {
				waiting.set(id, { fits, until: Date.now() + patience_ms, last: null, done });
			});
		},
		close: () => clearInterval(timer),
	};
}
