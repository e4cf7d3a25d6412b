import { describe, expect, it } from "vitest";
import { createRefund } from "../../db/client/refunds.ts";
import { usePaymentScene } from "./payment-scene.ts";
import type { WorkerProcess } from "./worker-process.ts";

const scene = usePaymentScene();
const { start, merchantWith, rows, payOnce, initiate, reaches, heardBy } = scene;

const ordersMadeBy = ({ lines }: WorkerProcess) =>
	lines.filter(({ msg }) => msg === "order made at the PSP").map(({ gateway_id }) => gateway_id);

describe("a gateway's egress group", () => {
	it("is called by workers of that group only, for orders, look-ups and refunds", async () => {
		const mumbai = await merchantWith([{ egress_group: "mumbai" }]);
		const nowhere = await merchantWith();
		const [of_mumbai, of_default] = await Promise.all([
			start({ EGRESS_GROUPS: "mumbai" }),
			start({ EGRESS_GROUPS: "default" }),
		]);
		const { transaction_id } = await payOnce(mumbai);
		await payOnce(nowhere);
		const { refund } = await createRefund(scene.database.pool("checkout"), {
			client_id: mumbai.id,
			transaction_id,
			amount: null,
			reason: null,
			idempotency_key: null,
		});
		await reaches(transaction_id, "refunded");
		expect(ordersMadeBy(of_mumbai)).toEqual([mumbai.gateways[0]!.id]);
		expect(ordersMadeBy(of_default)).toEqual([nowhere.gateways[0]!.id]);
		const about_mumbai = JSON.stringify(of_default.lines);
		expect(about_mumbai).not.toContain(mumbai.gateways[0]!.id);
		expect(about_mumbai).not.toContain(refund.refund_id);
		// Webhooks to merchants are no gateway's.
		await expect
			.poll(async () => (await heardBy(transaction_id)).map(({ type }) => type).sort())
			.toEqual(["payment.paid", "refund.succeeded"]);
		expect(JSON.stringify(of_mumbai.lines)).not.toContain("webhook sent");
	});

	it("waits for a worker of the group, which may serve several", async () => {
		const merchant = await merchantWith([{ egress_group: "pune" }]);
		const plain = await merchantWith();
		await start();
		const waiting = await initiate(merchant);
		await reaches(await initiate(plain), "pending");
		expect(await rows("select status from transactions where id = $1", [waiting])).toEqual([{ status: "created" }]);
		// A job that is done is gone a moment after its payment shows it.
		await expect
			.poll(() =>
				rows("select task_identifier, attempts from graphile_worker.jobs where task_identifier like 'create%'"),
			)
			.toEqual([{ task_identifier: "create_psp_order:pune", attempts: 0 }]);
		await start({ EGRESS_GROUPS: "default,pune" });
		await reaches(waiting, "pending");
	});
});
