import { z } from "zod";
import type { AlertInput } from "../../db/client/operations.ts";

type Severity = AlertInput["severity"];

/** Where operators hear of alerts besides the log and the studio. */
export interface AlertSettings {
	slack: { webhook_url: string; severity: Severity } | null;
	email: EmailSettings | null;
	/** Of the studio, without a trailing slash; null: messages hold no link to it. */
	studio_url: string | null;
	/** Under which `<kind>.md` is found, without a trailing slash; null: the studio shows them. */
	runbook_url: string | null;
}

export interface EmailSettings {
	from: string;
	to: string[];
	severity: Severity;
	transport:
		| { kind: "sendmail"; path: string }
		| {
				kind: "smtp";
				host: string;
				port: number;
				secure: boolean;
				ignore_tls: boolean;
				reject_unauthorized: boolean;
				name: string | undefined;
				user: string | undefined;
				password: string | undefined;
		  };
}

/** Each names the least severe alert that it is told. */
const severity = (name: string) =>
	z.enum(["info", "warning", "critical"], `${name} must be info, warning or critical.`).optional();

const isTrue = (text: string | undefined) => text === "true" || text === "1";

const schema = z.object({
	ALERT_SLACK_WEBHOOK_URL: z
		.url({ protocol: /^https?$/, error: "ALERT_SLACK_WEBHOOK_URL must be the URL of an incoming webhook of Slack." })
		.optional(),
	ALERT_SLACK_SEVERITY: severity("ALERT_SLACK_SEVERITY"),
	ALERT_EMAIL_TO: z
		.string()
		.transform((text) =>
			text
				.split(",")
				.map((address) => address.trim())
				.filter((address) => address !== ""),
		)
		.pipe(z.array(z.email("ALERT_EMAIL_TO must be a comma-separated list of e-mail addresses.")))
		.optional(),
	ALERT_EMAIL_SEVERITY: severity("ALERT_EMAIL_SEVERITY"),
	PUBLIC_STUDIO_URL: z.url({ protocol: /^https?$/, error: "PUBLIC_STUDIO_URL must be the studio's URL." }).optional(),
	RUNBOOK_URL: z.url({ protocol: /^https?$/, error: "RUNBOOK_URL must be where docs/runbooks is found." }).optional(),
	// The same as Directus has, so that one set of variables serves both.
	EMAIL_FROM: z.string().optional(),
	EMAIL_TRANSPORT: z
		.enum(["smtp", "sendmail"], "EMAIL_TRANSPORT must be smtp or sendmail for alerts to go out by e-mail.")
		.default("sendmail"),
	EMAIL_SENDMAIL_PATH: z.string().default("/usr/sbin/sendmail"),
	EMAIL_SMTP_HOST: z.string().optional(),
	EMAIL_SMTP_PORT: z.coerce.number("EMAIL_SMTP_PORT must be a port number.").int().min(1).max(65_535).optional(),
	EMAIL_SMTP_USER: z.string().optional(),
	EMAIL_SMTP_PASSWORD: z.string().optional(),
	EMAIL_SMTP_SECURE: z.string().optional(),
	EMAIL_SMTP_IGNORE_TLS: z.string().optional(),
	EMAIL_SMTP_NAME: z.string().optional(),
	EMAIL_SMTP_TLS_REJECT_UNAUTHORIZED: z.string().optional(),
});

type Variables = z.output<typeof schema>;

/** Throws a ZodError whose first message is a sentence for whoever starts the process. `env` has no empty values. */
export function readAlertSettings(env: Record<string, string | undefined>): AlertSettings {
	// Mail settings that only the studio uses are none of our business.
	const { EMAIL_TRANSPORT, ...rest } = env;
	const value = schema.parse(env.ALERT_EMAIL_TO === undefined ? rest : { ...rest, EMAIL_TRANSPORT });
	const trimmed = (url: string | undefined) => url?.replace(/\/+$/, "") ?? null;
	return {
		slack:
			value.ALERT_SLACK_WEBHOOK_URL === undefined
				? null
				: { webhook_url: value.ALERT_SLACK_WEBHOOK_URL, severity: value.ALERT_SLACK_SEVERITY ?? "warning" },
		email: readEmail(value),
		studio_url: trimmed(value.PUBLIC_STUDIO_URL),
		runbook_url: trimmed(value.RUNBOOK_URL),
	};
}

function readEmail(value: Variables): EmailSettings | null {
	if (value.ALERT_EMAIL_TO === undefined || value.ALERT_EMAIL_TO.length === 0) return null;
	if (value.EMAIL_FROM === undefined) return refuse("ALERT_EMAIL_TO is set, so EMAIL_FROM must say who writes.");
	if (value.EMAIL_TRANSPORT === "smtp" && value.EMAIL_SMTP_HOST === undefined) {
		return refuse("EMAIL_TRANSPORT is smtp, so EMAIL_SMTP_HOST must name the server.");
	}
	const secure = isTrue(value.EMAIL_SMTP_SECURE);
	return {
		from: value.EMAIL_FROM,
		to: value.ALERT_EMAIL_TO,
		severity: value.ALERT_EMAIL_SEVERITY ?? "critical",
		transport:
			value.EMAIL_TRANSPORT === "sendmail"
				? { kind: "sendmail", path: value.EMAIL_SENDMAIL_PATH }
				: {
						kind: "smtp",
						host: value.EMAIL_SMTP_HOST!,
						port: value.EMAIL_SMTP_PORT ?? (secure ? 465 : 587),
						secure,
						ignore_tls: isTrue(value.EMAIL_SMTP_IGNORE_TLS),
						reject_unauthorized: value.EMAIL_SMTP_TLS_REJECT_UNAUTHORIZED !== "false",
						name: value.EMAIL_SMTP_NAME,
						user: value.EMAIL_SMTP_USER,
						password: value.EMAIL_SMTP_PASSWORD,
					},
	};
}

function refuse(message: string): never {
	throw new z.ZodError([{ code: "custom", message, path: [], input: undefined }]);
}
