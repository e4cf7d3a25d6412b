import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

export interface ReceivedMail {
	from: string;
	to: string[];
	/** As sent, headers and text. */
	source: string;
}

export interface SmtpReceiver {
	port: number;
	mails: ReceivedMail[];
	/** While set, mails are answered with it instead of being taken. */
	refusal: string | null;
	close(): Promise<void>;
}

/** As much of RFC 5321 as a client without TLS and log-in needs. */
export async function startSmtpReceiver(): Promise<SmtpReceiver> {
	const receiver: Pick<SmtpReceiver, "mails" | "refusal"> = { mails: [], refusal: null };
	const sockets = new Set<{ destroy(): void }>();
	const server = createServer((socket) => {
		sockets.add(socket);
		socket.on("close", () => sockets.delete(socket));
		socket.on("error", () => {});
		let mail: ReceivedMail = { from: "", to: [], source: "" };
		let is_data = false;
		let rest = "";
		const answer = (line: string) => socket.write(`${line}\r\n`);
		const obey = (line: string) => {
			const address = /<([^>]*)>/.exec(line)?.[1] ?? "";
			if (/^EHLO/i.test(line)) answer("250 receiver.test");
			else if (/^MAIL FROM/i.test(line)) {
				mail = { from: address, to: [], source: "" };
				answer(receiver.refusal ?? "250 ok");
			} else if (/^RCPT TO/i.test(line)) {
				mail.to.push(address);
				answer("250 ok");
			} else if (/^DATA/i.test(line)) {
				is_data = true;
				answer("354 go on");
			} else if (/^QUIT/i.test(line)) socket.end("221 bye\r\n");
			else answer("250 ok");
		};
		const take = (line: string) => {
			if (!is_data) obey(line);
			else if (line === ".") {
				is_data = false;
				receiver.mails.push(mail);
				answer("250 taken");
			} else mail.source += `${line.replace(/^\./, "")}\n`;
		};
		socket.setEncoding("utf8").on("data", (chunk) => {
			const lines = (rest + chunk).split("\r\n");
			rest = lines.pop()!;
			for (const line of lines) take(line);
		});
		answer("220 receiver.test");
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	return Object.assign(receiver, {
		port: (server.address() as AddressInfo).port,
		async close() {
			for (const socket of sockets) socket.destroy();
			server.close();
			await once(server, "close");
		},
	});
}
