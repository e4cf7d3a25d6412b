import { randomUUID } from "node:crypto";
import { type Server, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";

const STATUS: Record<string, number> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

/** Answers what is no HTTP request, which never reaches the application, in the envelope of every other error. */
export function answerMalformedRequests(server: Server): void {
	server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
		if (!socket.writable || error.code === "ECONNRESET") {
			socket.destroy();
			return;
		}
		const status = STATUS[error.code ?? ""] ?? 400;
		const request_id = randomUUID();
		const body = JSON.stringify({
			error: { code: "invalid_request", message: "This is not an HTTP request that can be read.", request_id },
		});
		socket.end(
			`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json; charset=utf-8\r\n` +
				`Content-Length: ${Buffer.byteLength(body)}\r\nX-Request-Id: ${request_id}\r\nConnection: close\r\n\r\n${body}`,
		);
	});
}
