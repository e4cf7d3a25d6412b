/** The studio is killed while flows run and operators type secrets. No payment needs it; what it was told of is not lost. */
import { makeCanary } from "./canaries.ts";
import type { Disaster } from "./disasters.ts";
import type { World } from "./world.ts";

const EVENTS = 40;
const FLOW = "each suspension is noted";

export function studioKilled(at: number): Disaster {
	let flow_id = "";
	return {
		name: "kill -9 of the studio amid flows",
		at,
		async strike({ world }) {
			const ask = await logIn(world);
			await typeSecrets(world, ask);
			flow_id = await saveFlow(ask);
			const spare = await world.openMerchant({ name: "spare", columns: {}, gateways: ["razorpay"] });
			const suspend = async () => {
				for (let event = 0; event < EVENTS / 2; event++) {
					for (const status of ["suspended", "active"]) {
						await world.admin.query("update public.clients set status = $2 where id = $1", [spare.id, status]);
					}
				}
			};
			await suspend();
			await Promise.all([world.restart("studio", "SIGKILL"), suspend()]);
			return { injected: EVENTS, survived: EVENTS, faults: [] };
		},
		/** The studio is back, and each event has had its one run, or an operator knows that it was cut off. */
		async isOver({ admin, studio }) {
			// What would take a minute.
			await admin.query(
				`update graphile_worker._private_jobs set run_at = now() where run_at > now() and locked_at is null
					and key like 'emit_studio_event:%'`,
			);
			await cutOffRuns(admin);
			const response = await fetch(`${studio!.url}/server/ping`).catch(() => null);
			await response?.arrayBuffer();
			const { rows } = await admin.query<{ over: number; noted: number; is_told: boolean }>(
				`with run as (
					select r.status from public.studio_event_runs r join public.studio_events e on e.id = r.event_id
						where r.flow_id = $1::uuid and e.type = 'client.suspended'),
				cut_off as (select count(*)::int as count from run where status = 'interrupted')
				select (select count(*)::int from run where status in ('finished', 'interrupted')) as over,
					(select count(*)::int from public.alerts where kind = 'raised_by_flow' and message = $2 and count = 1) + cut_off.count as noted,
					cut_off.count = 0 or exists (select from public.alerts where dedupe_key = 'flow_interrupted:' || $1::text) as is_told
				from cut_off`,
				[flow_id, FLOW],
			);
			const { over, noted, is_told } = rows[0]!;
			return response?.status === 200 && over === EVENTS && noted >= EVENTS && is_told;
		},
	};
}

/** A run that was cut off is given up after ten minutes; meanwhile its event waits. Also those of flows that everybody has. */
export async function cutOffRuns(admin: World["admin"]): Promise<void> {
	await admin.query(
		`update public.studio_event_runs set started_at = started_at - interval '10 minutes'
			where status = 'started' and started_at < clock_timestamp() - interval '15 seconds'`,
	);
}

type Ask = (method: string, path: string, body: unknown) => Promise<{ id: string } & Record<string, unknown>>;

async function logIn({ studio }: World): Promise<Ask> {
	const { url, email, password } = studio!;
	const call = async (token: string | null, method: string, path: string, body: unknown) => {
		const response = await fetch(url + path, {
			method,
			headers: {
				"content-type": "application/json",
				...(token !== null && { authorization: `Bearer ${token}` }),
			},
			body: JSON.stringify(body),
		});
		const text = await response.text();
		if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status} ${text}`);
		return text === "" ? null : JSON.parse(text).data;
	};
	const { access_token } = await call(null, "POST", "/auth/login", { email, password });
	return (...given) => call(access_token, ...given);
}

async function saveFlow(ask: Ask): Promise<string> {
	const { id: flow } = await ask("POST", "/flows", {
		name: FLOW,
		status: "active",
		trigger: "event",
		accountability: "all",
		options: { type: "action", scope: ["items.create"], collections: ["studio_events"] },
	});
	const operation = { flow, position_y: 1 };
	const { id: alert } = await ask("POST", "/operations", {
		...operation,
		key: "note",
		name: "note",
		type: "lightspeedpay-raise-alert",
		options: { severity: "info", message: FLOW, dedupe_key: "{{$trigger.key}}" },
		position_x: 21,
	});
	const { id: only } = await ask("POST", "/operations", {
		...operation,
		key: "only",
		name: "only",
		type: "lightspeedpay-only-events",
		options: { types: ["client.suspended"] },
		resolve: alert,
		position_x: 1,
	});
	await ask("PATCH", `/flows/${flow}`, { operation: only });
	return flow;
}

/** As operators do, with every kind of secret that the studio takes or makes. */
async function typeSecrets({ admin, canaries, kept_canaries }: World, ask: Ask): Promise<void> {
	const typed = (name: string, among = canaries) => {
		const secret = makeCanary(name);
		among.push(secret);
		return secret;
	};
	const shown = (secret: unknown) => canaries.push(String(secret));
	const { id: client_id } = await ask("POST", "/items/clients", { company_name: "Typed", phone: "+919845012345" });
	const { id } = await ask("POST", "/items/payment_gateways", {
		client_id,
		name: "Typed",
		provider: "razorpay",
		api_key: "rzp_test_typed",
		status: "inactive",
		new_api_secret: typed("api"),
		new_webhook_secret: typed("webhook"),
	});
	await ask("PATCH", `/items/payment_gateways/${id}`, { new_api_secret: typed("second") });
	const made = await ask("POST", `/lightspeedpay/clients/${client_id}/regenerate-key`, {
		reason: "A storm",
		webhook_secret: true,
		overlap_hours: 1,
	});
	shown(made.client_salt);
	shown(made.webhook_secret);
	shown((await ask("POST", `/lightspeedpay/clients/${client_id}/reveal`, {})).client_salt);
	const endpoint = await ask("POST", `/lightspeedpay/clients/${client_id}/webhook-endpoints`, {
		url: "https://typed.example.com/webhook",
	});
	shown(endpoint.secret);
	shown((await ask("POST", `/lightspeedpay/webhook-endpoints/${endpoint.id}/reveal`, {})).secret);
	const rotation = { reason: "A storm", overlap_hours: 1 };
	shown((await ask("POST", `/lightspeedpay/webhook-endpoints/${endpoint.id}/rotate-secret`, rotation)).secret);
	await ask("PATCH", `/lightspeedpay/commission/${client_id}/collection`, {
		provider: "cashfree",
		api_key: "CF_typed",
		destination: "LIGHTSPEEDPAY",
		is_enabled: false,
		api_secret: typed("collection-api"),
		webhook_secret: typed("collection-webhook"),
		reason: "A storm",
	});
	// The provider's token is kept once it is needed.
	await admin.query("select public.send_whatsapp($1, 'payment_paid', $2, 'chaos')", [
		client_id,
		JSON.stringify({ amount: 100, order_id: "typed", company: "Typed" }),
	]);
	const password = typed("password");
	await ask("POST", "/users", { email: "typed@example.com", password, role: null });
	const token = typed("token", kept_canaries);
	const { id: user } = await ask("POST", "/users", { email: "other@example.com", token, role: null });
	await ask("PATCH", `/users/${user}`, { password: typed("password") });
}
