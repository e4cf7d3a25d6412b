import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * The answer to a request, kept open for server-sent events.
 *
 * An answer that stays open keeps Node's request and response with all their headers, some 12 KB: with ten thousand of them
 * that is most of the process. So the head goes out as the whole answer, upon which Node lets go of both and sees an idle
 * connection, and the events follow it as chunks that are written to the socket here. A client that speaks HTTP/1.0 or wants its
 * connection closed (some proxies) gets an ordinary open answer.
 */
export class EventConnection {
	readonly #out: Socket | ServerResponse;
	readonly #is_chunked: boolean;
	readonly #onClose: () => void;
	#is_open = true;

	/** `onClose` is called once, when either side has ended it. */
	constructor(req: IncomingMessage, res: ServerResponse, onClose: () => void) {
		this.#onClose = onClose;
		this.#is_chunked = req.httpVersion === "1.1" && res.shouldKeepAlive;
		this.#out = this.#is_chunked ? req.socket : res;
		this.#out.on("close", this.#closed);
		const head = {
			"Content-Type": "text/event-stream; charset=utf-8",
			"Cache-Control": "no-store, no-transform",
			// Proxies such as nginx would hold events back.
			"X-Accel-Buffering": "no",
		};
		if (this.#is_chunked) {
			// Whoever sends more before the stream has ended would be answered in the midst of it.
			req.socket.prependListener("data", cutOff);
			req.socket.cork();
			res.writeHead(200, { ...head, "Transfer-Encoding": "chunked" });
			withoutBody(res).end();
			process.nextTick(() => req.socket.uncork());
		} else res.writeHead(200, head);
	}

	/** Bytes that the reader has not taken yet. */
	get unread(): number {
		return this.#out.writableLength;
	}

	write(text: string): void {
		if (!this.#is_open) return;
		this.#out.write(this.#is_chunked ? `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n` : text);
	}

	end(): void {
		if (!this.#is_open) return;
		if (this.#is_chunked) {
			this.#out.write("0\r\n\r\n");
			// From here on it is a connection like any other that waits for its next request.
			this.#out.off("data", cutOff);
		} else this.#out.end();
		this.#closed();
	}

	destroy(): void {
		this.#out.destroy();
	}

	readonly #closed = () => {
		if (!this.#is_open) return;
		this.#is_open = false;
		this.#out.off("close", this.#closed);
		this.#onClose();
	};
}

function cutOff(this: Socket): void {
	this.destroy();
}

/** Node takes the answer for one to HEAD, whose end is its head. */
function withoutBody(res: ServerResponse): ServerResponse {
	if (!("_hasBody" in res)) throw new Error("Node's ServerResponse has changed: event-connection.ts must follow.");
	res._hasBody = false;
	return res;
}
