import { Router } from "express";
import { DomainError } from "../../../db/client/errors.ts";
import type { Dependencies } from "../../dependencies.ts";
import { allowAnyOrigin } from "../../middleware/security-headers.ts";
import { parseWith } from "../../middleware/validation.ts";
import { TransactionId, TransactionQuery } from "../transactions/schema.ts";
import { requireStatusToken } from "../transactions/service.ts";
import { EventConnection } from "./event-connection.ts";
import { RecentOpenings } from "./recent-openings.ts";
import { beatStreams, isFinal, StatusStream } from "./stream.ts";

const MOST_STREAMS = 10_000;
const MOST_STREAMS_OF_ONE = 20;

export function statusRoutes({ env, hub, clock, metrics }: Dependencies): Router {
	const router = Router();
	const streams = beatStreams();
	const openings = new RecentOpenings();

	router.get("/status/:id/stream", async (req, res) => {
		allowAnyOrigin(res);
		const { token } = parseWith(TransactionQuery, req.query);
		const id = req.params.id.toLowerCase();
		requireStatusToken(env.STATUS_TOKEN_KEY, id, token);
		if (!TransactionId.safeParse(id).success) throw new DomainError("not_found");
		if (hub.size >= MOST_STREAMS) throw new DomainError("service_unavailable", { message: "Too many open streams." });
		if (hub.countOf(id) >= MOST_STREAMS_OF_ONE) {
			throw new DomainError("rate_limited", {
				message: "Too many streams of this transaction are open.",
				retry_after_seconds: 15,
			});
		}
		// All payers of a mobile network come back from one address when a process has stopped.
		req.is_uncounted = openings.isFirst(id);
		const stream = new StatusStream(clock, Number(req.headers["last-event-id"] ?? 0));
		const unsubscribe = hub.subscribe(id, stream);
		streams.add(stream);
		metrics.streams.set(hub.size);
		const leave = () => {
			unsubscribe();
			stream.ending();
			streams.delete(stream);
			metrics.streams.set(hub.size);
		};
		let is_open = false;
		try {
			const record = await hub.read(id);
			if (record === null) throw new DomainError("not_found");
			if (req.method === "HEAD") {
				res.writeHead(200, { "Content-Type": "text/event-stream" }).end();
			} else if (stream.hasSeen(record) && isFinal(record, clock.now())) {
				// A browser reconnects after a stream that ended; this tells it to stop.
				res.writeHead(204).end();
			} else if (stream.is_ended || req.socket.destroyed) {
				// The process is stopping, or the browser went away, while the record was being read.
				res.destroy();
			} else {
				stream.open(new EventConnection(req, res, leave), record);
				is_open = true;
			}
		} finally {
			if (!is_open) leave();
		}
	});

	return router;
}
