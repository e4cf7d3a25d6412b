/**
 * Fills an empty, prepared database with the history of a large platform, so that lists, reports and queries can be tried at
 * size: merchants, gateways, transactions with their attempts, commission entries, events and deliveries over the last days.
 * check_invariants() holds afterwards. Called by `npm run bench:volume`.
 */
import { randomBytes } from "node:crypto";
import { createConnection } from "../db/client/connection.ts";
import { type EncryptionKeys, encryptSecret } from "../db/client/secrets.ts";

export interface Volume {
	merchants: number;
	gateways: number;
	transactions: number;
	/** Over which the transactions are spread, up to now. */
	days: number;
}

/** Transactions written by one statement. */
const CHUNK = 100_000;

/** Takes an administrator's connection: triggers are off while it writes. */
export async function seedVolume(
	adminUrl: string,
	keys: EncryptionKeys,
	{ merchants, gateways, transactions, days }: Volume,
	report: (line: string) => void,
): Promise<void> {
	const admin = createConnection({ connectionString: adminUrl });
	await admin.connect();
	try {
		await admin.query("set session_replication_role = replica; set synchronous_commit = off; set work_mem = '256MB'");
		const { rows: taken } = await admin.query("select from public.clients limit 1");
		if (taken.length > 0) throw new Error("There are merchants in this database already: name an empty one.");

		const salt = randomBytes(24).toString("base64url");
		await admin.query(
			`insert into public.clients (client_key, client_salt, webhook_secret, company_name, legal_name, email, phone, webhook_url,
				rate_limit_per_minute, max_rpm_per_gateway, rotation_mode, created_at)
			select 'volume_' || n, $2, $2, (array['Kaveri', 'Ganga', 'Narmada', 'Godavari', 'Yamuna', 'Sarayu', 'Tapti', 'Mahanadi'])[1 + n % 8]
					|| ' ' || (array['Books', 'Textiles', 'Spices', 'Electronics', 'Pharmacy', 'Tours', 'Foods'])[1 + n % 7] || ' ' || n,
				'Merchant ' || n || ' Private Limited', 'accounts' || n || '@merchant.example', '+9198' || lpad(n::text, 8, '0'),
				'https://merchant.example/hooks/' || n, 1000, null, (array['smart', 'dynamic', 'round_robin'])[1 + n % 3],
				now() - interval '400 days' + n * interval '1 minute'
			from generate_series(1, $1::integer) n`,
			[merchants, encryptSecret(keys, salt, { table: "clients", column: "client_salt", row: "volume" })],
		);
		await admin.query(`
			insert into public.client_usage (client_id) select id from public.clients on conflict do nothing;
			insert into public.wallets (client_id) select id from public.clients on conflict do nothing;
			create temporary table merchant as select row_number() over (order by created_at) - 1 as n, id from public.clients;
			create unique index on merchant (n)`);
		await admin.query(
			`insert into public.payment_gateways (client_id, name, provider, api_key, api_secret, priority, created_at)
			select m.id, initcap(p) || ' ' || at, p, 'volume_' || at, 'v1.volume', at % 5, now() - interval '399 days'
				from generate_series(0, $1::integer - 1) at
				join merchant m on m.n = at % $2::integer
				cross join lateral (select (array['razorpay', 'cashfree', 'payu', 'phonepe', 'stripe'])[1 + at / $2::integer % 5]) provider (p)`,
			[gateways, merchants],
		);
		await admin.query(`
			insert into public.gateway_states (gateway_id, client_id, success_rate, outcomes, last_used_at)
				select id, client_id, 70 + 29 * random(), 125, now() - random() * interval '1 day' from public.payment_gateways on conflict do nothing;
			create temporary table gateway as
				select g.id, m.n as merchant, row_number() over (partition by g.client_id order by g.id) - 1 as n,
						count(*) over (partition by g.client_id) as siblings
					from public.payment_gateways g join merchant m on m.id = g.client_id;
			create unique index on gateway (merchant, n);
			analyze merchant; analyze gateway`);
		report(`${merchants} merchants with ${gateways} gateways`);

		for (let first = 0; first < transactions; first += CHUNK) {
			const count = Math.min(CHUNK, transactions - first);
			await admin.query(
				// A few merchants are large: the square of a uniform draw.
				`with made as (
					select at_no as n, m.id as client_id, g.id as gateway_id, uuidv7(made_at - now()) as id, made_at,
							(100 * (50 + floor(9950 * luck * luck)))::bigint as amount,
							case when luck < 0.82 then 'paid' when luck < 0.95 then 'failed' else 'expired' end as status,
							(array['upi', 'card', 'netbanking', 'upi'])[1 + at_no % 4] as method
						from generate_series($1::bigint, $1::bigint + $2::bigint - 1) at_no
						cross join lateral (select random() as luck, random() as which, at_no as of_no) drawn
						cross join lateral (select now() - ($5::bigint - at_no) * ($4::integer * interval '1 day') / $5::bigint as made_at) at
						join merchant m on m.n = floor($3::integer * which * which)::integer
						join gateway g on g.merchant = m.n and g.n = at_no % g.siblings
				), transactions as (
					insert into public.transactions (id, order_id, client_id, gateway_id, customer, amount, currency, status, method,
						gateway_txn_id, fee_percent, error_code, error_message, expires_at, paid_at, caps_booked_at, version, created_at, updated_at)
					select id, 'ORDER-' || n, client_id, gateway_id, jsonb_build_object('email', 'payer' || n || '@example.com'), amount, 'INR', status, method,
							case status when 'paid' then 'pay_' || n end, 2, case status when 'failed' then 'declined' end,
							case status when 'failed' then 'The bank declined.' end, made_at + interval '15 minutes',
							case status when 'paid' then made_at + interval '40 seconds' end, case status when 'paid' then made_at end, 3,
							made_at, made_at + interval '40 seconds' from made
				), events as (
					insert into public.webhook_events (id, client_id, transaction_id, type, payload, status, attempts, delivered_at, created_at)
					select uuidv7(made_at + interval '41 seconds' - now()), client_id, id, 'payment.' || status,
							json_build_object('type', 'payment.' || status, 'data', json_build_object('transaction_id', id, 'order_id', 'ORDER-' || n)),
							'delivered', 1, made_at + interval '41 seconds', made_at + interval '41 seconds' from made
					returning id, created_at
				), deliveries as (
					insert into public.webhook_deliveries (event_id, attempt_no, url, status_code, duration_ms, response_bytes, created_at)
					select id, 1, 'https://merchant.example/hooks', 200, 84, 2, created_at from events
				)
				insert into public.payment_attempts (id, transaction_id, client_id, gateway_id, attempt_no, amount, status, psp_order_id,
					psp_payment_id, method, bank_reference, psp_fee, error_code, error_message, latency_ms, routing, started_at,
					released_at, settled_at, created_at, updated_at)
				select uuidv7(made_at - now()), id, client_id, gateway_id, 1, amount,
						case status when 'paid' then 'succeeded' else status end, 'order_' || n, case status when 'paid' then 'pay_' || n end, method,
						case status when 'paid' then lpad(n::text, 12, '4') end, case status when 'paid' then amount / 50 end,
						case status when 'failed' then 'declined' end, case status when 'failed' then 'The bank declined.' end, 80 + n % 200,
						'{"mode": "smart", "priority": 0, "success_rate": 92.1, "tried_before": 0}', made_at,
						case status when 'paid' then null else made_at + interval '40 seconds' end, made_at + interval '40 seconds',
						made_at, made_at + interval '40 seconds' from made`,
				[first, count, merchants, days, transactions],
			);
			if ((first / CHUNK) % 10 === 9) report(`${first + count} transactions`);
		}

		await admin.query(`
			-- The text of docs/ledger.md, chained over all of a wallet's entries in one pass.
			create function pg_temp.next_hash(p_before bytea, p_content text) returns bytea language sql immutable as $$
				select sha256(convert_to('lightspeedpay.ledger.v1' || E'\\n' || encode(p_before, 'hex') || E'\\n' || p_content, 'UTF8'))
			$$;
			create aggregate pg_temp.chained(p_content text) (sfunc = pg_temp.next_hash, stype = bytea, initcond = '\\x${"00".repeat(32)}');
			insert into public.wallet_entries (id, client_id, entry_no, type, amount, transaction_id, balance_after, description, created_at, hash)
				select id, client_id, entry_no, type, amount, transaction_id, balance_after, description, paid_at,
						pg_temp.chained(concat_ws(E'\\n', client_id, entry_no, id, type, amount, balance_after, transaction_id, '-', '-',
							to_char(paid_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '=' || description))
							over (partition by client_id order by entry_no)
					from (
				select uuidv7(paid_at - now()) as id, client_id, row_number() over chain as entry_no, type, amount, transaction_id,
						sum(amount) over chain as balance_after, description, paid_at
					from (
						select t.client_id, t.id as transaction_id, t.paid_at, e.type, e.amount, e.description
							from public.transactions t
							cross join lateral (select round(t.amount * t.fee_percent / 100)::bigint as fee) f
							cross join lateral (values ('COMMISSION', fee, '2 % of ' || t.amount || ' paise'),
								('COMMISSION_GST', round(fee * 0.18)::bigint, '18 % GST on ' || fee || ' paise')) e (type, amount, description)
							where t.paid_at is not null
					) booked
					window chain as (partition by client_id order by paid_at, transaction_id, type rows unbounded preceding)
					) numbered;
			update public.wallets w set balance_due = e.balance, entry_count = e.entries, head_hash = e.hash, updated_at = now()
				from (select distinct on (client_id) client_id, balance_after as balance, entry_no as entries, hash
					from public.wallet_entries order by client_id, entry_no desc) e where e.client_id = w.client_id;
			update public.gateway_states s set volume = a.amount, volume_month = public.month_in_india(now())
				from (select gateway_id, sum(amount) as amount from public.payment_attempts
					where released_at is null and public.month_in_india(created_at) = public.month_in_india(now()) group by 1) a
				where a.gateway_id = s.gateway_id`);
		report("commission entries and wallets");
		await admin.query("vacuum (analyze)");
	} finally {
		await admin.end();
	}
}

/** What a few years of work leave beside payments, so that no list is tried empty. Nothing of it moves money. */
export async function seedTraces(adminUrl: string, report: (line: string) => void): Promise<void> {
	const admin = createConnection({ connectionString: adminUrl });
	await admin.connect();
	try {
		await admin.query("set session_replication_role = replica; set synchronous_commit = off; set work_mem = '256MB'");
		await admin.query(`
			create temporary table merchant as select row_number() over (order by created_at) - 1 as n, id from public.clients;
			create unique index on merchant (n);
			create temporary table gateway as select row_number() over (order by id) - 1 as n, id, client_id, provider from public.payment_gateways;
			create unique index on gateway (n);
			create temporary table payment as
				select row_number() over () - 1 as n, a.* from public.payment_attempts a tablesample system (4) where a.status = 'succeeded' limit 100000;
			analyze merchant; analyze gateway; analyze payment`);
		// All or nothing: a run after this one looks into one table only.
		await admin.query("begin");
		const merchants = "(select count(*) from merchant)";
		const gateways = "(select count(*) from gateway)";

		await admin.query(`
			insert into public.audit_log (id, actor, database_role, address, action, table_name, row_id, after, created_at)
				select uuidv7(at - now()), 'operator ' || i % 40, 'studio', '10.0.0.' || i % 250,
						case when i % 5000 = 0 then 'reveal_secrets' when i % 50 = 0 then 'pause_queue' else 'update' end,
						(array['clients', 'payment_gateways', 'payment_links'])[1 + i % 3], m.id::text, '{"reason": "as asked"}', at
					from generate_series(1, 1000000) i
					cross join lateral (select now() - (1000000 - i) * interval '60 seconds' as at) made
					join merchant m on m.n = i % ${merchants};
			insert into public.gateway_log (id, gateway_id, client_id, kind, created_at)
				select uuidv7(at - now()), g.id, g.client_id, case i % 2 when 0 then 'cooled_down' else 'returned' end, at
					from generate_series(1, 1000000) i
					cross join lateral (select now() - (1000000 - i) * interval '7 seconds' as at) made
					join gateway g on g.n = i % ${gateways};
			insert into public.alerts (id, kind, severity, message, client_id, dedupe_key, status, first_at, last_at, resolved_at)
				select uuidv7(at - now()), 'no_gateway', (array['info', 'warning', 'critical'])[1 + i % 3], 'No gateway can take payments.',
						m.id, 'no_gateway:' || i, case when i > 99800 then 'open' else 'resolved' end, at, at + interval '1 minute',
						case when i <= 99800 then at + interval '5 minutes' end
					from generate_series(1, 100000) i
					cross join lateral (select now() - (100001 - i) * interval '10 minutes' as at) made
					join merchant m on m.n = i % ${merchants}`);
		report("audit trail, gateway log and alerts");
		await admin.query(`
			insert into public.whatsapp_notifications (id, client_id, template, language, variables, recipient, cause, requested_by, status,
					attempts, provider, provider_message_id, created_at, updated_at)
				select uuidv7(at - now()), m.id, (array['low_balance', 'payment_receipt', 'refund_done'])[1 + i % 3], 'en', '{}',
						'9198' || lpad((i % 10000)::text, 8, '0'), case when i % 20 = 0 then 'request' else 'transaction' end, 'database',
						case when i % 400 = 0 then 'failed' when i % 3 = 0 then 'delivered' else 'read' end, 1, 'meta', 'wamid.' || i, at, at
					from generate_series(1, 500000) i
					cross join lateral (select now() - (500000 - i) * interval '15 seconds' as at) made
					join merchant m on m.n = i % ${merchants};
			insert into public.gateway_events (id, client_id, gateway_id, provider, dedupe_key, event_type, headers, raw_body, verified,
					processed_at, received_at)
				select uuidv7(at - now()), g.client_id, g.id, g.provider, 'evt_' || i, 'payment.captured', '{}', '{}', true, at, at
					from generate_series(1, 1000000) i
					cross join lateral (select now() - (1000000 - i) * interval '7 seconds' as at) made
					join gateway g on g.n = i % ${gateways};
			insert into public.queue_metrics (recorded_at, queue, waiting, active, failed, oldest_waiting_seconds, completed)
				select now() - n * interval '5 seconds', queue, n % 50, 4, 0, 1, 1000000 - n
					from generate_series(1, 17280) n
					cross join (select 'queue_' || q from generate_series(1, 25) q) queues (queue)
				on conflict do nothing;
			insert into public.studio_events (id, type, client_id, data, created_at, closed_at)
				select uuidv7(at - now()), 'payment.paid', m.id, '{}', at, at from generate_series(1, 500000) i
					cross join lateral (select now() - (500000 - i) * interval '1 second' as at) made
					join merchant m on m.n = i % ${merchants}`);
		report("messages, webhooks of providers, figures of queues, events for flows");
		await admin.query(`
			insert into public.refunds (id, client_id, transaction_id, attempt_id, gateway_id, kind, amount, currency, status, requested_by,
					psp_payment_id, completed_at, created_at)
				select uuidv7(created_at + interval '1 hour' - now()), client_id, transaction_id, id, gateway_id, 'requested', amount, 'INR',
						'failed', 'merchant', psp_payment_id, created_at + interval '2 hours',
						created_at + interval '1 hour'
					from payment where n % 2 = 0;
			insert into public.webhook_events (id, client_id, transaction_id, refund_id, type, payload, status, attempts, delivered_at, created_at)
				select uuidv7(completed_at - now()), client_id, transaction_id, id, 'refund.failed', '{}', 'delivered', 1, completed_at, completed_at
					from public.refunds;
			insert into public.utr_claims (id, client_id, gateway_id, transaction_id, attempt_id, utr, amount, status, decided_at, created_at)
				select uuidv7(created_at - now()), client_id, gateway_id, transaction_id, id, lpad(n::text, 12, '0'), amount,
						case when n % 2000 = 0 then 'submitted' else 'rejected' end, case when n % 2000 <> 0 then created_at end, created_at
					from payment;
			insert into public.bank_statements (client_id, gateway_id, file_name, sha256, line_count, matched_count, exception_count,
					repeated_count, imported_by)
				select client_id, id, 'statement.csv', repeat('0', 64), 500, 499, 1, 0, 'operator' from gateway where n < 1000;
			insert into public.bank_statement_lines (statement_id, client_id, gateway_id, line_no, credited_on, amount, utr, narration, status,
					exception)
				select s.id, s.client_id, s.gateway_id, n, current_date - n / 10, 10000, lpad(n::text, 12, '0'), 'UPI',
						case n when 1 then 'exception' else 'ignored' end, 'no_payment'
					from public.bank_statements s cross join generate_series(1, 500) n;
			insert into public.payment_links (client_id, amount, description, created_at)
				select m.id, 49900, 'An invoice', now() - i * interval '1 minute' from generate_series(1, 200000) i
					join merchant m on m.n = i % ${merchants};
			update public.webhook_events set status = 'dead' where id in
				(select id from public.webhook_events tablesample system (0.2))`);
		report("refunds, direct UPI, links, events that were given up");
		await admin.query("commit");
		await admin.query("vacuum (analyze)");
	} finally {
		await admin.end();
	}
}

/** A settlement a gateway and day of the last forty, and differences for two payments in a hundred, one in ten of them open. */
export async function seedSettlements(adminUrl: string, report: (line: string) => void): Promise<void> {
	const admin = createConnection({ connectionString: adminUrl });
	await admin.connect();
	try {
		await admin.query("set session_replication_role = replica; set synchronous_commit = off; set work_mem = '256MB'");
		await admin.query(`
			insert into public.settlements (client_id, gateway_id, psp_settlement_id, currency, utr, settled_on, line_count, matched_count,
					payment_count, payment_amount, fee, tax, net)
				select a.client_id, a.gateway_id, 'setl_' || d.day, 'INR', 'UTR', d.day + 2, count(*), count(*), count(*), sum(a.amount),
						sum(a.amount) / 50, sum(a.amount) / 50 * 18 / 118, sum(a.amount) - sum(a.amount) / 50
					from public.payment_attempts a
					cross join lateral (select (a.settled_at at time zone 'Asia/Kolkata')::date as day) d
					where a.status = 'succeeded' and a.settled_at > now() - interval '40 days'
					group by a.client_id, a.gateway_id, d.day;
			insert into public.reconciliation_exceptions (client_id, gateway_id, kind, attempt_id, expected, status, opened_at, resolution,
					resolution_reason, resolved_by, resolved_at)
				select client_id, gateway_id, 'missing_there', id, amount, case when n % 10 = 0 then 'open' else 'resolved' end,
						settled_at + interval '6 days', case when n % 10 > 0 then 'explained' end, case when n % 10 > 0 then 'It came.' end,
						case when n % 10 > 0 then 'system' end, case when n % 10 > 0 then settled_at + interval '8 days' end
					from (select row_number() over () as n, a.* from public.payment_attempts a tablesample system (2) where status = 'succeeded') x`);
		report("settlements and differences");
		await admin.query("vacuum (analyze) public.settlements, public.reconciliation_exceptions");
	} finally {
		await admin.end();
	}
}

/** The figures of the hours that are over: hours of payments are read from them, and in life each minute adds its own. */
export async function closeFigures(adminUrl: string, report: (line: string) => void): Promise<void> {
	const admin = createConnection({ connectionString: adminUrl });
	await admin.connect();
	try {
		for (let minutes = 1, days = 0; minutes > 0; days++) {
			const { rows } = await admin.query<{ minutes: number }>("select public.refresh_payment_figures() as minutes");
			minutes = rows[0]!.minutes;
			if (days % 30 === 29) report(`figures of ${days + 1} days`);
		}
		for (let closed = 1; closed > 0; ) {
			const { rows } = await admin.query<{ closed: number }>("select public.close_report_days() as closed");
			closed = rows[0]!.closed;
		}
		report("figures for reports");
		await admin.query("analyze");
	} finally {
		await admin.end();
	}
}
