import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createDeliveryGate, type DeliveryGate, gateWidths } from "./delivery-gate.ts";

let gate: DeliveryGate;
beforeEach(() => {
	vi.useFakeTimers({ toFake: ["performance"] });
	gate = createDeliveryGate({ endpoint: 2, merchant: 3, troubled: 2 });
});
afterEach(() => {
	vi.useRealTimers();
});

const enter = (
	endpoint_id: string,
	client_id = endpoint_id,
	more: { is_troubled?: boolean; is_probe?: boolean } = {},
) => gate.enter({ endpoint_id, client_id, is_troubled: false, is_probe: false, ...more });

it("gives an endpoint a sixth of the lane, a merchant a third, and the troubled half", () => {
	expect(gateWidths(50)).toEqual({ endpoint: 8, merchant: 16, troubled: 25 });
	expect(gateWidths(2)).toEqual({ endpoint: 1, merchant: 1, troubled: 1 });
});

it("lets no more to one endpoint at a time than its share, and others in meanwhile", () => {
	const first = enter("a");
	expect([enter("a"), enter("a"), enter("b")].map((place) => place !== null)).toEqual([true, false, true]);
	expect(gate.inside).toBe(3);
	first!.leave();
	expect(gate.inside).toBe(2);
	expect(enter("a")).not.toBeNull();
});

it("lets a merchant have no more with many endpoints", () => {
	expect(["a", "b", "c", "d"].map((endpoint) => enter(endpoint, "shop") !== null)).toEqual([true, true, true, false]);
});

it.each([1, 2, 3, 8])("lets %i processes send no more to an endpoint or a merchant than one would", (processes) => {
	const gates = Array.from({ length: processes }, () => createDeliveryGate(gateWidths(50)));
	for (const each of gates) each.shareWith(processes);
	const entered = (endpoint_of: (n: number) => string) =>
		gates.flatMap((each) =>
			Array.from({ length: 50 }, (_, n) =>
				each.enter({ endpoint_id: endpoint_of(n), client_id: "shop", is_troubled: false, is_probe: false }),
			).filter((place) => place !== null),
		);
	const of_endpoint = entered(() => "shop");
	expect(of_endpoint.length).toBeLessThanOrEqual(8);
	expect(of_endpoint.length).toBeGreaterThanOrEqual(Math.max(processes, 6));
	for (const place of of_endpoint) place.leave();
	expect(entered((n) => `endpoint ${n}`).length).toBeLessThanOrEqual(16);
});

it("gives a process the share of one that is gone", () => {
	gate.shareWith(2);
	expect([enter("a"), enter("a")].map((place) => place !== null)).toEqual([true, false]);
	gate.shareWith(1);
	expect(enter("a")).not.toBeNull();
});

it("leaves half to those that answer, however many do not", () => {
	expect(["a", "b", "c"].map((endpoint) => enter(endpoint, endpoint, { is_troubled: true }) !== null)).toEqual([
		true,
		true,
		false,
	]);
	expect(enter("d")).not.toBeNull();
});

it("counts an endpoint that was slow among the troubled until it is quick again", () => {
	for (const slow of ["a", "b", "c"]) {
		const place = enter(slow);
		vi.advanceTimersByTime(3_000);
		place!.leave();
	}
	const [a, b] = [enter("a"), enter("b")];
	expect(enter("c")).toBeNull();
	a!.leave();
	b!.leave();
	expect([enter("c"), enter("a"), enter("b")].map((place) => place !== null)).toEqual([true, true, true]);
});

it("always lets in the one that goes ahead after a rest", () => {
	enter("a");
	enter("a");
	expect(enter("a", "a", { is_probe: true })).not.toBeNull();
});
