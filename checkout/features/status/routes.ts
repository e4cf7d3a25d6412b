import { Router } from "express";
import { DomainError } from "../../../db/client/errors.ts";
import type { Dependencies } from "../../dependencies.ts";
import { allowAnyOrigin } from "../../middleware/security-headers.ts";
import { parseWith } from "../../middleware/validation.ts";
import { TransactionQuery } from "../transactions/schema.ts";
import { readExistingTransaction, requireStatusToken } from "../transactions/service.ts";
import { beatStreams, isFinal, StatusStream } from "./stream.ts";

const MOST_STREAMS = 10_000;
const MOST_STREAMS_OF_ONE = 20;

export function statusRoutes({ pool, env, hub, clock, metrics }: Dependencies): Router {
	const router = Router();
	const streams = beatStreams();

	router.get("/status/:id/stream", async (req, res) => {
		allowAnyOrigin(res);
		const { token } = parseWith(TransactionQuery, req.query);
		const id = req.params.id.toLowerCase();
		requireStatusToken(env.STATUS_TOKEN_KEY, id, token);
		if (hub.size >= MOST_STREAMS) throw new DomainError("service_unavailable", { message: "Too many open streams." });
		if (hub.countOf(id) >= MOST_STREAMS_OF_ONE) {
			throw new DomainError("rate_limited", {
				message: "Too many streams of this transaction are open.",
				retry_after_seconds: 15,
			});
		}
		const stream = new StatusStream(res, clock, Number(req.headers["last-event-id"] ?? 0));
		const unsubscribe = hub.subscribe(id, {
			changed: (record) => stream.show(record),
			ending: () => stream.end(),
		});
		streams.add(stream);
		metrics.streams.set(hub.size);
		res.once("close", () => {
			unsubscribe();
			stream.end();
			streams.delete(stream);
			metrics.streams.set(hub.size);
		});
		const record = await readExistingTransaction(pool, id);
		if (req.method === "HEAD") {
			res.writeHead(200, { "Content-Type": "text/event-stream" }).end();
		} else if (stream.hasSeen(record) && isFinal(record, clock.now())) {
			// A browser reconnects after a stream that ended; this tells it to stop.
			res.writeHead(204).end();
		} else stream.open(record);
	});

	return router;
}
