import { isIP } from "node:net";
import { dirname, join } from "node:path";
import { z } from "zod";

/** The studio's own environment; what Directus reads is derived from it in directusEnvironment(). */
export interface StudioEnvironment {
	databaseUrl: string;
	/** Signs sessions and tokens; the same on every studio process. */
	secret: string;
	encryptionKeys: string;
	/** Address of the checkout application, shown to operators; no trailing slash. */
	checkoutUrl: string;
	/** Where browsers reach the studio; null = where it listens. */
	publicUrl: string | null;
	host: string;
	port: number;
	logLevel: string;
	/** Where uploaded files go. */
	uploadsDirectory: string;
	/** Addresses whose X-Forwarded-For is believed; none, unless proxies are named. */
	trustedProxies: string[];
}

export const REPOSITORY = dirname(import.meta.dirname);
export const EXTENSIONS_DIRECTORY = join(import.meta.dirname, "extensions");

const schema = z.object({
	DATABASE_URL: z.url({
		protocol: /^postgres(ql)?$/,
		error: "DATABASE_URL must be the studio role's postgres:// URL.",
	}),
	STUDIO_SECRET: z
		.string({ error: "STUDIO_SECRET is missing: give it at least 32 random characters." })
		.min(32, "STUDIO_SECRET is too short: give it at least 32 random characters."),
	ENCRYPTION_KEYS: z
		.string({ error: "ENCRYPTION_KEYS is missing: give it `kid:base64 of 32 bytes`." })
		.min(1, "ENCRYPTION_KEYS is empty: give it `kid:base64 of 32 bytes`."),
	PUBLIC_CHECKOUT_URL: z
		.url({ protocol: /^https?$/, error: "PUBLIC_CHECKOUT_URL must be the http(s) URL of the checkout application." })
		.transform((url) => url.replace(/\/+$/, "")),
	PUBLIC_STUDIO_URL: z
		.url({
			protocol: /^https?$/,
			error: "PUBLIC_STUDIO_URL must be the http(s) URL that browsers reach the studio at.",
		})
		.transform((url) => url.replace(/\/+$/, ""))
		.optional(),
	HOST: z.string().min(1).default("127.0.0.1"),
	PORT: z.coerce
		.number({ error: "PORT must be a number from 0 to 65535." })
		.int("PORT must be a whole number.")
		.min(0)
		.max(65535, "PORT must be a number from 0 to 65535.")
		.default(8055),
	LOG_LEVEL: z
		.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"], {
			error: "LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent.",
		})
		.default("info"),
	STUDIO_UPLOADS: z
		.string()
		.min(1)
		.default(join(REPOSITORY, ".data", "uploads")),
	STUDIO_TRUSTED_PROXIES: z
		.string()
		.default("")
		.transform((list) =>
			list
				.split(",")
				.map((entry) => entry.trim())
				.filter(Boolean),
		)
		.refine((list) => list.every(isNetwork), {
			error: "STUDIO_TRUSTED_PROXIES must be addresses or CIDR ranges, separated by commas: 10.0.0.7,10.1.0.0/16.",
		}),
});

function isNetwork(entry: string): boolean {
	const [address = "", bits, ...more] = entry.split("/");
	const version = isIP(address);
	if (version === 0 || more.length > 0) return false;
	return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}

/** Throws with one sentence a person can act on. */
export function readEnvironment(env: NodeJS.ProcessEnv): StudioEnvironment {
	const parsed = schema.safeParse(env);
	if (!parsed.success) throw new Error(parsed.error.issues[0]!.message);
	const value = parsed.data;
	return {
		databaseUrl: value.DATABASE_URL,
		secret: value.STUDIO_SECRET,
		encryptionKeys: value.ENCRYPTION_KEYS,
		checkoutUrl: value.PUBLIC_CHECKOUT_URL,
		publicUrl: value.PUBLIC_STUDIO_URL ?? null,
		host: value.HOST,
		port: value.PORT,
		logLevel: value.LOG_LEVEL,
		uploadsDirectory: value.STUDIO_UPLOADS,
		trustedProxies: value.STUDIO_TRUSTED_PROXIES,
	};
}

/** What Directus needs to open the database; enough to install its tables. */
export function directusDatabaseEnvironment(databaseUrl: string): Record<string, string> {
	const url = new URL(databaseUrl);
	if (!url.searchParams.has("application_name")) url.searchParams.set("application_name", "lightspeedpay-studio");
	return {
		// A .env file in the working directory is none of our business.
		CONFIG_PATH: join(import.meta.dirname, "no-such-file.env"),
		DB_CLIENT: "pg",
		// Without the prefix a comma in the URL would make it a list.
		DB_CONNECTION_STRING: `string:${url.href}`,
		DB_SEARCH_PATH: "array:directus,public",
		// Tables without a single-column key, which Directus would warn about, and what no operator needs.
		DB_EXCLUDE_TABLES: `array:${[
			"payment_minutes",
			"queue_metrics",
			"queues",
			"paused_queues",
			"client_logos",
			"client_usage",
			"retired_client_keys",
			"gst_rates",
			"worker_heartbeats",
			"upi_receipts",
			"studio_rights",
			"studio_session_uses",
			"studio_token_floors",
			"studio_configuration",
		].join(",")}`,
		MIGRATIONS_PATH: join(import.meta.dirname, "no-such-migrations"),
		EXTENSIONS_PATH: EXTENSIONS_DIRECTORY,
		PACKAGE_FILE_LOCATION: REPOSITORY,
		TELEMETRY: "false",
		LOG_STYLE: "raw",
		// Directus' own "info" is a line a request.
		LOG_LEVEL: "warn",
	};
}

export function directusEnvironment(env: StudioEnvironment): Record<string, string> {
	const publicUrl = env.publicUrl ?? `http://${env.host}:${env.port}`;
	const secure = String(publicUrl.startsWith("https:"));
	return {
		...directusDatabaseEnvironment(env.databaseUrl),
		DB_POOL__MIN: "0",
		DB_POOL__MAX: "10",
		SECRET: env.secret,
		HOST: env.host,
		PORT: String(env.port),
		PUBLIC_URL: publicUrl,
		LOG_LEVEL: env.logLevel === "info" ? "warn" : env.logLevel,
		STORAGE_LOCAL_ROOT: env.uploadsDirectory,
		// A studio whose hooks are missing would store secrets that it cannot encrypt: rather none.
		EXTENSIONS_MUST_LOAD: "true",
		// Believed from everybody, X-Forwarded-For gets around a policy's list of addresses.
		IP_TRUST_PROXY: env.trustedProxies.length === 0 ? "false" : `array:${env.trustedProxies.join(",")}`,
		MCP_ENABLED: "false",
		AI_ENABLED: "false",
		WEBSOCKETS_ENABLED: "false",
		MARKETPLACE_TRUST: "sandbox",
		CORS_ENABLED: "false",
		// Operators look at money that changes by the second.
		CACHE_ENABLED: "false",
		// Opening the studio takes some 60 requests at once.
		RATE_LIMITER_ENABLED: "true",
		RATE_LIMITER_STORE: "memory",
		RATE_LIMITER_POINTS: "300",
		RATE_LIMITER_DURATION: "1",
		PRESSURE_LIMITER_MAX_EVENT_LOOP_DELAY: "2000",
		// Directus counts it since the process started: after a start that took a minute of work, everybody would be refused.
		PRESSURE_LIMITER_MAX_EVENT_LOOP_UTILIZATION: "false",
		QUERY_LIMIT_MAX: "1000",
		MAX_BATCH_MUTATION: "500",
		USER_INVITE_TOKEN_TTL: "7d",
		SESSION_COOKIE_SECURE: secure,
		REFRESH_TOKEN_COOKIE_SECURE: secure,
		SERVER_SHUTDOWN_TIMEOUT: "3000",
		CONTENT_SECURITY_POLICY_DIRECTIVES__CONNECT_SRC: "array:'self'",
		CONTENT_SECURITY_POLICY_DIRECTIVES__IMG_SRC: "array:'self',data:,blob:",
		// The preview of a merchant's payment page.
		CONTENT_SECURITY_POLICY_DIRECTIVES__FRAME_SRC: `array:'self',${new URL(env.checkoutUrl).origin}`,
		CONTENT_SECURITY_POLICY_DIRECTIVES__FRAME_ANCESTORS: "array:'none'",
	};
}
