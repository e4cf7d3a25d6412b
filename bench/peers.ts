/**
 * The same payment taken by code as one might write it first, for comparison. Run as a process of its own:
 *   node bench/peers.ts one-call|statements        (DATABASE_URL, PORT=0; prints {"port": …})
 *
 *   one-call    Express, our function, one call a request: what batching gains
 *   statements  Express, one transaction a request in the textbook's order: lock a gateway, update it, insert, add the job
 * Neither authenticates, so their figures flatter them.
 */
import { randomUUID } from "node:crypto";
import express from "express";
import { initiatePayments } from "../db/client/payments.ts";
import { createPool } from "../db/client/pool.ts";

interface Body {
	client_id: string;
	client_key: string;
	order_id: string;
	amount: number;
	currency: string;
}

const pool = createPool({ connectionString: process.env.DATABASE_URL!, application_name: "peer", max: 20 });

async function oneCall(body: Body): Promise<string | null> {
	const [result] = await initiatePayments(pool, [body]);
	return result?.ok ? result.transaction_id : null;
}

async function statements(body: Body): Promise<string | null> {
	const client = await pool.connect();
	try {
		await client.query("begin");
		const { rows } = await client.query(
			`select s.gateway_id from public.gateway_states s join public.payment_gateways g on g.id = s.gateway_id
			where g.client_id = $1 and g.is_active and (s.cooldown_until is null or s.cooldown_until < now())
			order by g.priority desc, s.success_rate desc, s.last_used_at nulls first limit 1 for update of s skip locked`,
			[body.client_id],
		);
		if (rows.length === 0) {
			await client.query("rollback");
			return null;
		}
		await client.query(
			"update public.gateway_states set volume = volume + $2, window_count = window_count + 1, last_used_at = now() where gateway_id = $1",
			[rows[0].gateway_id, body.amount],
		);
		const id = randomUUID();
		await client.query(
			`insert into public.transactions (id, order_id, client_id, gateway_id, amount, currency, fee_percent, expires_at)
			values ($1, $2, $3, $4, $5, $6, 3.5, now() + interval '15 minutes')`,
			[id, body.order_id, body.client_id, rows[0].gateway_id, body.amount, body.currency],
		);
		await client.query(
			"select graphile_worker.add_job('create_psp_order', json_build_object('transaction_id', $1::text))",
			[id],
		);
		await client.query("commit");
		return id;
	} catch (error) {
		await client.query("rollback");
		throw error;
	} finally {
		client.release();
	}
}

const take = process.argv[2] === "one-call" ? oneCall : statements;
const app = express();
app.use(express.json());
app.post("/payment/initiate", async (request, response) => {
	const transaction_id = await take(request.body);
	response.status(transaction_id === null ? 503 : 200).json({ transaction_id });
});
const server = app.listen(0, "127.0.0.1", () => {
	const address = server.address();
	process.send?.({ ready: true, port: typeof address === "object" ? address?.port : undefined });
});
process.on("disconnect", () => process.exit(0));
