/** Slack's incoming webhooks: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks. */
import type { AlertMessage } from "../../db/client/operations.ts";
import type { Outbound } from "../outbound.ts";
import { type AlertChannel, type AlertLinks, factsOf, headlineOf, kindsOf, nameOf } from "./channel.ts";
import type { AlertSettings } from "./settings.ts";

const MARKS = { critical: ":red_circle:", warning: ":large_orange_circle:", info: ":large_blue_circle:" } as const;
/** Slack refuses a header of more than 150 characters and a section of more than 3,000. */
const LONGEST_HEADER = 150;
const LONGEST_SECTION = 2900;

type Block =
	| { type: "header"; text: { type: "plain_text"; text: string; emoji: boolean } }
	| { type: "section"; text: { type: "mrkdwn"; text: string } }
	| { type: "context"; elements: { type: "mrkdwn"; text: string }[] };

export function createSlackChannel(
	{ webhook_url, severity }: NonNullable<AlertSettings["slack"]>,
	links: AlertLinks,
	outbound: Outbound,
): AlertChannel {
	const post = async (text: string, blocks: Block[]) => {
		const { status_code, body_start } = await outbound.post(webhook_url, {
			headers: { "content-type": "application/json" },
			// What stands beside the blocks is read out in notifications.
			body: JSON.stringify({ text, blocks }),
		});
		if (status_code !== 200) {
			throw new Error(`Slack answered ${status_code}: ${body_start.toString("utf8").slice(0, 100)}`);
		}
	};
	return {
		name: "slack",
		severity,
		async tell(message) {
			const { alert } = message;
			const where = links.runbook(alert.kind);
			const runbook = URL.canParse(where) ? `<${where}|Runbook>` : `Runbook: ${where}`;
			const page = links.alert(alert.id);
			await post(escapeMarkup(`${titleOf(message)}: ${alert.message}`), [
				header(`${message.occasion === "resolved" ? ":white_check_mark:" : MARKS[alert.severity]} ${titleOf(message)}`),
				section(escapeMarkup(alert.message)),
				context([
					...factsOf(message).map(escapeMarkup),
					runbook,
					...(page === null ? [] : [`<${page}|Open in the studio>`]),
				]),
			]);
		},
		async summarise(summary) {
			const page = links.alerts();
			await post(escapeMarkup(headlineOf(summary)), [
				header(`:rotating_light: ${headlineOf(summary)}`),
				section(escapeMarkup(kindsOf(summary).join("\n"))),
				section(summary.first.map((text) => `• ${escapeMarkup(text)}`).join("\n")),
				...(page === null ? [] : [context([`<${page}|Open in the studio>`])]),
			]);
		},
		close() {},
	};
}

function titleOf({ alert, occasion }: AlertMessage): string {
	return occasion === "resolved" ? `Resolved: ${nameOf(alert.kind)}` : `${nameOf(alert.kind)} (${alert.severity})`;
}

function header(text: string): Block {
	return { type: "header", text: { type: "plain_text", text: text.slice(0, LONGEST_HEADER), emoji: true } };
}

function section(text: string): Block {
	return { type: "section", text: { type: "mrkdwn", text: text.slice(0, LONGEST_SECTION) } };
}

function context(texts: string[]): Block {
	return { type: "context", elements: texts.map((text) => ({ type: "mrkdwn", text: text.slice(0, LONGEST_SECTION) })) };
}

/** The three characters with a meaning in Slack's markup, so that no text of a merchant's becomes a link or a mention. */
function escapeMarkup(text: string): string {
	return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
