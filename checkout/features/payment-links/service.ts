import type { z } from "zod";
import { DomainError } from "../../../db/client/errors.ts";
import type { PaymentLink as StoredLink } from "../../../db/client/links.ts";
import { createPaymentLink, disablePaymentLink, readPaymentLink } from "../../../db/client/links.ts";
import { type KnownClient, registeredUrl } from "../../client-directory.ts";
import type { Dependencies } from "../../dependencies.ts";
import { type CreatePaymentLink, LinkId, type PaymentLink } from "./schema.ts";

export interface PaymentLinks {
	create(merchant: KnownClient, link: z.output<typeof CreatePaymentLink>): Promise<z.output<typeof PaymentLink>>;
	read(merchant: KnownClient, link_id: string): Promise<z.output<typeof PaymentLink>>;
	disable(merchant: KnownClient, link_id: string): Promise<z.output<typeof PaymentLink>>;
}

export function createPaymentLinks({ pool, env, clock }: Dependencies): PaymentLinks {
	const show = ({ link_id, code, ...rest }: StoredLink) => ({
		link_id,
		url: `${env.PUBLIC_CHECKOUT_URL}/l/${code}`,
		...rest,
	});

	/** Another merchant's link does not exist for this one. */
	const existing = async (link_id: string, find: () => Promise<StoredLink | null>) => {
		const link = LinkId.safeParse(link_id).success ? await find() : null;
		if (link === null) throw new DomainError("not_found");
		return show(link);
	};

	/** By the database's clock, which will also decide when it is over. */
	function expiryOf({ expires_at, expires_in }: z.output<typeof CreatePaymentLink>): string | null {
		if (expires_in !== undefined) return new Date(clock.now() + expires_in * 1000).toISOString();
		if (expires_at === undefined) return null;
		if (Date.parse(expires_at) <= clock.now()) {
			throw new DomainError("invalid_request", { message: "expires_at must be in the future.", param: "expires_at" });
		}
		return new Date(expires_at).toISOString();
	}

	return {
		create: async (merchant, link) =>
			show(
				await createPaymentLink(pool, {
					client_id: merchant.id,
					amount: link.amount,
					currency: link.currency,
					description: link.description ?? null,
					reference: link.reference ?? null,
					usage: link.usage,
					expires_at: expiryOf(link),
					redirect_url: link.redirect_url === undefined ? null : registeredUrl(merchant, link.redirect_url),
				}),
			),
		read: (merchant, link_id) => existing(link_id, () => readPaymentLink(pool, merchant.id, link_id)),
		disable: (merchant, link_id) => existing(link_id, () => disablePaymentLink(pool, merchant.id, link_id)),
	};
}
