import { createTransport, type Transporter } from "nodemailer";
import type { AlertMessage } from "../../db/client/operations.ts";
import { type AlertChannel, type AlertLinks, factsOf, headlineOf, kindsOf, nameOf } from "./channel.ts";
import type { EmailSettings } from "./settings.ts";

/** A server that does not answer must not keep a job. */
const TIMEOUT_MS = 15_000;
const LONGEST_SUBJECT = 150;

export function createEmailChannel(settings: EmailSettings, links: AlertLinks): AlertChannel {
	const { from, to, severity } = settings;
	const transport = open(settings);
	const domain = from.match(/@([^>\s]+)/)?.[1] ?? "localhost";
	const send = (mail: { subject: string; text: string; messageId?: string; inReplyTo?: string; references?: string }) =>
		transport.sendMail({
			from,
			to,
			...mail,
			subject: mail.subject.replaceAll(/\s+/g, " ").slice(0, LONGEST_SUBJECT),
			// So that nobody's absence is answered to us.
			headers: { "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All" },
		});
	return {
		name: "email",
		severity,
		async tell(message, message_id) {
			const { alert, occasion } = message;
			const page = links.alert(alert.id);
			// An alert's messages make one thread.
			const thread = `<alert.${alert.id}@${domain}>`;
			await send({
				subject: subjectOf(message),
				text: lines([
					alert.message,
					"",
					...factsOf(message),
					"",
					`What to do: ${links.runbook(alert.kind)}`,
					...(page === null ? [] : [`The alert: ${page}`]),
				]),
				messageId: `<message.${message_id}@${domain}>`,
				references: thread,
				...(occasion === "resolved" && { inReplyTo: thread }),
			});
		},
		async summarise(summary) {
			const page = links.alerts();
			await send({
				subject: `[LightSpeedPay] ${headlineOf(summary)}`,
				text: lines([
					"More came than is worth a message each.",
					"",
					...kindsOf(summary),
					"",
					...summary.first.map((text) => `- ${text}`),
					...(page === null ? [] : ["", `All alerts: ${page}`]),
				]),
			});
		},
		close: () => transport.close(),
	};
}

function open({ transport }: EmailSettings): Transporter {
	if (transport.kind === "sendmail") return createTransport({ sendmail: true, path: transport.path });
	const { host, port, secure, ignore_tls, reject_unauthorized, name, user, password } = transport;
	return createTransport({
		host,
		port,
		secure,
		ignoreTLS: ignore_tls,
		tls: { rejectUnauthorized: reject_unauthorized },
		name,
		...(user !== undefined && { auth: { user, pass: password ?? "" } }),
		connectionTimeout: TIMEOUT_MS,
		greetingTimeout: TIMEOUT_MS,
		socketTimeout: TIMEOUT_MS,
	});
}

function subjectOf({ alert, occasion }: AlertMessage): string {
	const what = occasion === "resolved" ? "resolved" : alert.severity;
	return `[LightSpeedPay] ${what}: ${nameOf(alert.kind)}: ${alert.message}`;
}

function lines(texts: string[]): string {
	return `${texts.join("\n")}\n`;
}
