/** For the conformance suite: a PSP whose answers are not quite what its documentation says. */

import http from "node:http";
import type { AddressInfo } from "node:net";

/** Nothing, and something that no PSP means to say: of the same kind, to get past a look at the type. */
function nonsenseFor(value: unknown): readonly unknown[] {
	return [null, typeof value === "number" ? -1 : typeof value === "string" ? "?" : 7];
}

/** Copies of a JSON value, in each of which one value (or list, or object) is replaced; `where` names it. */
export function* bentCopies(value: unknown, path: readonly string[] = []): Generator<{ where: string; body: unknown }> {
	for (const nonsense of nonsenseFor(value))
		yield { where: `${path.join(".")} = ${JSON.stringify(nonsense)}`, body: nonsense };
	if (typeof value !== "object" || value === null) return;
	for (const [key, member] of Object.entries(value)) {
		for (const { where, body } of bentCopies(member, [...path, key])) {
			const copy = structuredClone(value) as Record<string, unknown>;
			copy[key] = body;
			yield { where, body: copy };
		}
	}
}

/** What arrives at an adapter in place of a JSON answer; undefined leaves it as it is. */
export type Bend = (answer: unknown) => unknown;

export interface BendingProxy {
	/** Stands for `target_url`, and passes everything on to it. */
	api_url: string;
	bend: Bend;
}

export async function withBendingProxy<T>(target_url: string, use: (proxy: BendingProxy) => Promise<T>): Promise<T> {
	const server = http.createServer({ keepAliveTimeout: 600_000 }, async (request, response) => {
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk);
		const { host: _, connection: __, "content-length": ___, ...headers } = request.headers;
		const answer = await fetch(`${target_url}${request.url}`, {
			method: request.method ?? "GET",
			headers: headers as Record<string, string>,
			redirect: "manual",
			...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
		});
		const text = await answer.text();
		const type = answer.headers.get("content-type") ?? "text/plain";
		const bent = answer.ok && type.includes("json") ? proxy.bend(JSON.parse(text)) : undefined;
		response.writeHead(answer.status, { "content-type": type }).end(bent === undefined ? text : JSON.stringify(bent));
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const proxy: BendingProxy = {
		api_url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		bend: () => undefined,
	};
	try {
		return await use(proxy);
	} finally {
		server.closeAllConnections();
		await new Promise((resolve) => server.close(resolve));
	}
}
