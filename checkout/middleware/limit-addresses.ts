import type { RequestHandler } from "express";
import { DomainError } from "../../db/client/errors.ts";
import { type AddressGuard, countedAddress } from "../address-guard.ts";

/** PSPs' and providers' own addresses, one for all merchants, send these; probes come often and from anywhere. */
const UNLIMITED = /^\/(webhook|whatsapp|healthz|readyz|metrics)(\/|$)/;

/** Refuses addresses that are blocked or ask too much, and watches whose credentials are refused. */
export function limitAddresses(guard: AddressGuard): RequestHandler {
	return (req, res, next) => {
		const address = UNLIMITED.test(req.path) ? null : countedAddress(req.ip);
		if (address === null) {
			next();
			return;
		}
		const refusal = guard.enter(address);
		if (refusal !== null) {
			throw new DomainError("rate_limited", {
				message:
					refusal.reason === "blocked"
						? "This address is blocked for a while: too many of its requests were refused."
						: "Too many requests from this address. Wait as long as Retry-After says.",
				retry_after_seconds: refusal.retry_after_seconds,
			});
		}
		res.once("finish", () => {
			if (req.merchant !== undefined) guard.forgive(address);
			else if (req.is_uncounted) guard.takeOff(address);
			else if (res.statusCode === 401) guard.strike(address);
		});
		next();
	};
}
