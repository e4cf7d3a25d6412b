import type { AlertChannelName, AlertInput, AlertMessage, AlertSummary } from "../../db/client/operations.ts";
import type { Outbound } from "../outbound.ts";
import { createEmailChannel } from "./email.ts";
import type { AlertSettings } from "./settings.ts";
import { createSlackChannel } from "./slack.ts";

type Severity = AlertInput["severity"];

/** A way to operators. Sending throws when the message did not certainly arrive; it may then arrive twice. */
export interface AlertChannel {
	name: AlertChannelName;
	/** Of the least severe alert that it tells. */
	severity: Severity;
	tell(message: AlertMessage, message_id: string): Promise<void>;
	summarise(summary: AlertSummary): Promise<void>;
	close(): void;
}

/** Where a message leads; null where the deployment did not say. */
export interface AlertLinks {
	/** An URL, or without a studio the file. */
	runbook(kind: string): string;
	alert(alert_id: string): string | null;
	alerts(): string | null;
}

export function createAlertChannels(settings: AlertSettings, outbound: Outbound): AlertChannel[] {
	const { studio_url, runbook_url, slack, email } = settings;
	const links: AlertLinks = {
		runbook(kind) {
			if (runbook_url !== null) return `${runbook_url}/${kind}.md`;
			return studio_url === null ? `docs/runbooks/${kind}.md` : `${studio_url}/admin/alerts/runbooks/${kind}`;
		},
		alert: (alert_id) => studio_url && `${studio_url}/admin/alerts/${alert_id}`,
		alerts: () => studio_url && `${studio_url}/admin/alerts`,
	};
	return [
		...(slack === null ? [] : [createSlackChannel(slack, links, outbound)]),
		...(email === null ? [] : [createEmailChannel(email, links)]),
	];
}

const RANK: Record<Severity, number> = { info: 0, warning: 1, critical: 2 };

export function channelsFor(channels: readonly AlertChannel[], severity: Severity): AlertChannelName[] {
	return channels.filter((channel) => RANK[severity] >= RANK[channel.severity]).map(({ name }) => name);
}

/** A kind as people read it. */
export function nameOf(kind: string): string {
	return kind.charAt(0).toUpperCase() + kind.slice(1).replaceAll("_", " ");
}

/** What is said of each, one a line: no more than whose it is and how often, as details may be the payer's business. */
export function factsOf({ alert, occasion }: AlertMessage): string[] {
	return [
		...(alert.client === null ? [] : [`Merchant: ${alert.client}`]),
		...(alert.count > 1 ? [`${alert.count} times`] : []),
		`Since ${timeOf(alert.first_at)}`,
		...(occasion === "resolved" && alert.resolved_at !== null ? [`Over at ${timeOf(alert.resolved_at)}`] : []),
		...(occasion === "resolved" && alert.note !== null ? [`Note: ${alert.note}`] : []),
	];
}

const clock = new Intl.DateTimeFormat("en-IN", {
	dateStyle: "medium",
	timeStyle: "short",
	hourCycle: "h23",
	timeZone: "Asia/Kolkata",
});

function timeOf(iso: string): string {
	return `${clock.format(new Date(iso))} IST`;
}

export function headlineOf(summary: AlertSummary): string {
	return `${summary.held} more alerts: ${summary.critical} critical, ${summary.warning} warning, ${summary.info} info`;
}

export function kindsOf({ kinds, resolved }: AlertSummary): string[] {
	const byCount = Object.entries(kinds).sort(([, a], [, b]) => b - a);
	return [
		...byCount.map(([kind, count]) => `${nameOf(kind)}: ${count}`),
		...(resolved > 0 ? [`Over by now: ${resolved}`] : []),
	];
}
