/**
 * HTTP to addresses that merchants choose. Such a request must not become a way into our own network (SSRF), so:
 * https only; every address the name resolves to must be a public one; the connection goes to the very addresses that
 * were checked (no second look-up that could answer otherwise); redirects are answers, not instructions; a name that does
 * not resolve is refused. Hosts the deployment names (host:port) are exempt: the sandbox, or an endpoint in the same network.
 */
import { lookup as resolveName } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";
import { Agent, request } from "undici";

export interface ResolvedAddress {
	address: string;
	family: number;
}

export interface OutboundOptions {
	/** Lower-case host:port, the port always written out. */
	allowed_hosts: ReadonlySet<string>;
	/** For the whole exchange. */
	timeout_ms?: number;
	/** All A and AAAA records of a name; the system's resolver unless given. */
	resolve?: (hostname: string) => Promise<ResolvedAddress[]>;
}

export interface OutboundAnswer {
	status_code: number;
	/** How much of the body was read, at most 1 KiB. */
	response_bytes: number;
	retry_after_seconds: number | null;
	content_type: string | null;
	/** What was read. */
	body_start: Buffer;
}

export interface Outbound {
	/** Throws OutboundError when there was no answer. */
	post(url: string, message: { headers: Record<string, string>; body: string }): Promise<OutboundAnswer>;
	close(): Promise<void>;
}

/** No answer; the message is fit for the delivery log. */
export class OutboundError extends Error {
	override readonly name = "OutboundError";
	/** We did not let the request go out, as opposed to a network that failed. */
	readonly refused: boolean;

	constructor(message: string, options: { refused?: boolean; cause?: unknown } = {}) {
		super(message, { cause: options.cause });
		this.refused = options.refused ?? false;
	}
}

export const OUTBOUND_TIMEOUT_MS = 15_000;
const READ_LIMIT_BYTES = 1024;
const GLOBAL_UNICAST_V6 = ipaddr.parseCIDR("2000::/3");

export function createOutbound(options: OutboundOptions): Outbound {
	const timeout_ms = options.timeout_ms ?? OUTBOUND_TIMEOUT_MS;
	const resolve = options.resolve ?? ((hostname) => resolveName(hostname, { all: true, verbatim: true }));
	const connectTimeout = Math.min(timeout_ms, 5000);
	const agents = {
		guarded: new Agent({ connect: { lookup: guardedLookup(resolve), timeout: connectTimeout } }),
		allowed: new Agent({ connect: { timeout: connectTimeout } }),
	};

	return {
		async post(target, { headers, body }) {
			const { url, allowed } = checkUrl(target, options.allowed_hosts);
			try {
				const response = await request(url, {
					dispatcher: allowed ? agents.allowed : agents.guarded,
					method: "POST",
					headers,
					body,
					signal: AbortSignal.timeout(timeout_ms),
				});
				const body_start = await readSome(response.body);
				return {
					status_code: response.statusCode,
					retry_after_seconds: parseRetryAfter(response.headers["retry-after"], new Date()),
					content_type: [response.headers["content-type"]].flat()[0] ?? null,
					response_bytes: body_start.length,
					body_start,
				};
			} catch (error) {
				throw toOutboundError(error, timeout_ms);
			}
		},
		async close() {
			await Promise.all([agents.guarded.destroy(), agents.allowed.destroy()]);
		},
	};
}

/** What can be said before anything is resolved. */
export function checkUrl(target: string, allowed_hosts: ReadonlySet<string>): { url: URL; allowed: boolean } {
	const url = URL.parse(target);
	if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
		throw new OutboundError("The address is not an https URL.", { refused: true });
	}
	if (url.username !== "" || url.password !== "") {
		throw new OutboundError("The address must not contain a user name or password.", { refused: true });
	}
	const port = url.port || (url.protocol === "https:" ? "443" : "80");
	if (allowed_hosts.has(`${url.hostname}:${port}`)) return { url, allowed: true };
	if (url.protocol !== "https:") throw new OutboundError("The address is not an https URL.", { refused: true });
	// A name is checked when it is resolved; a literal address (in whatever notation: the URL parser has made it canonical)
	// never is.
	const literal = url.hostname.replace(/^\[|\]$/g, "");
	if (isIP(literal) !== 0) assertPublic(literal);
	return { url, allowed: false };
}

/** A look-up for net.connect that yields checked addresses only, so that what was checked is what is connected to. */
export function guardedLookup(resolve: (hostname: string) => Promise<ResolvedAddress[]>): LookupFunction {
	return (hostname, options, callback) => {
		resolveChecked(hostname, resolve).then(
			(addresses) => {
				if (options.all) callback(null, addresses);
				else callback(null, addresses[0]!.address, addresses[0]!.family);
			},
			(error: Error) => callback(error, []),
		);
	};
}

async function resolveChecked(
	hostname: string,
	resolve: (hostname: string) => Promise<ResolvedAddress[]>,
): Promise<ResolvedAddress[]> {
	const addresses = await resolve(hostname).catch((cause: unknown) => {
		throw new OutboundError(`The name ${hostname} does not resolve.`, { refused: true, cause });
	});
	if (addresses.length === 0) throw new OutboundError(`The name ${hostname} does not resolve.`, { refused: true });
	// One private address among public ones is enough to refuse: which of them a connection takes is a matter of luck.
	for (const { address } of addresses) assertPublic(address);
	return addresses;
}

function assertPublic(address: string): void {
	if (!isPublicAddress(address)) {
		throw new OutboundError(`The address ${address} is not a public one.`, { refused: true });
	}
}

/**
 * Whether an address is one of the public internet's: neither private, loopback, link-local, shared (CGNAT), multicast,
 * reserved, nor an IPv6 form that carries an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo), which a translator
 * between here and there would turn into any of those.
 */
export function isPublicAddress(text: string): boolean {
	if (!ipaddr.isValid(text)) return false;
	const address = ipaddr.parse(text);
	if (address.range() !== "unicast") return false;
	return address instanceof ipaddr.IPv4 || (address as ipaddr.IPv6).match(GLOBAL_UNICAST_V6);
}

async function readSome(body: AsyncIterable<Buffer>): Promise<Buffer> {
	const chunks: Buffer[] = [];
	let bytes = 0;
	// Leaving the loop early closes the connection; nobody is made to wait for, or keep, what an endpoint goes on sending.
	for await (const chunk of body) {
		chunks.push(chunk);
		bytes += chunk.length;
		if (bytes >= READ_LIMIT_BYTES) break;
	}
	return Buffer.concat(chunks).subarray(0, READ_LIMIT_BYTES);
}

/** RFC 9110: seconds, or a date. Null when absent or not understood. */
export function parseRetryAfter(header: string | string[] | undefined, now: Date): number | null {
	const value = (Array.isArray(header) ? header[0] : header)?.trim();
	if (value === undefined || value === "") return null;
	if (/^\d{1,9}$/.test(value)) return Number(value);
	// Date.parse takes far more than dates ("-5" is a year to it).
	if (!/^[A-Za-z]{3}/.test(value)) return null;
	const at = Date.parse(value);
	if (Number.isNaN(at)) return null;
	return Math.max(0, Math.ceil((at - now.getTime()) / 1000));
}

function toOutboundError(error: unknown, timeout_ms: number): OutboundError {
	for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
		if (cause instanceof OutboundError) return cause;
	}
	const { code, name, message } = error as NodeJS.ErrnoException;
	if (name === "TimeoutError") return new OutboundError(`No answer within ${timeout_ms / 1000} s.`, { cause: error });
	if (code === "UND_ERR_CONNECT_TIMEOUT") return new OutboundError("No connection in time.", { cause: error });
	if (code === "ECONNREFUSED") return new OutboundError("The connection was refused.", { cause: error });
	if (code === "ECONNRESET" || code === "UND_ERR_SOCKET") {
		return new OutboundError("The connection was closed before an answer came.", { cause: error });
	}
	return new OutboundError(`${code ?? name}: ${message || "no answer"}`.slice(0, 300), { cause: error });
}
