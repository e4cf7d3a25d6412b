import ipaddr from "ipaddr.js";
import type { Logger } from "pino";
import type { Queryable } from "../../../db/client/call.ts";
import { findWebhookGateways, type WebhookGateway } from "../../../db/client/clients.ts";
import { decryptSecret, type EncryptionKeys } from "../../../db/client/secrets.ts";
import type { PspAccount } from "../../../psp/adapter.ts";
import { ClientCache } from "../../client-cache.ts";
import type { DatabaseListener } from "../../database-listener.ts";

export interface KnownGateway {
	id: string;
	provider: string;
	account: PspAccount;
	/** Null: from anywhere. */
	networks: Network[] | null;
}

export interface KnownGateways {
	client_id: string;
	gateways: KnownGateway[];
}

type Network = [address: ipaddr.IPv4 | ipaddr.IPv6, bits: number];

/** A merchant's PSP accounts by client key, with their secrets decrypted. */
export class GatewayDirectory {
	readonly #database: Queryable;
	readonly #keys: EncryptionKeys;
	readonly #logger: Logger;
	readonly #cache: ClientCache<KnownGateways>;

	constructor(database: Queryable, keys: EncryptionKeys, listener: DatabaseListener, logger: Logger) {
		this.#database = database;
		this.#keys = keys;
		this.#logger = logger;
		this.#cache = new ClientCache(listener, ["gateway_changed", "client_changed"], ({ client_id }) => client_id);
	}

	/** Null when the key was never a merchant's. */
	async find(client_key: string): Promise<KnownGateways | null> {
		return this.#cache.get(client_key) ?? (await this.#cache.read(client_key, () => this.#read(client_key)));
	}

	async #read(client_key: string): Promise<KnownGateways | null> {
		const found = await findWebhookGateways(this.#database, client_key);
		if (found === null) return null;
		return { client_id: found.client_id, gateways: found.gateways.flatMap((gateway) => this.#open(gateway)) };
	}

	/** Nothing for a gateway that does not open: the merchant's others still receive. */
	#open(gateway: WebhookGateway): KnownGateway[] {
		const secret = (column: string, stored: string) =>
			decryptSecret(this.#keys, stored, { table: "payment_gateways", column, row: gateway.id });
		try {
			return [
				{
					id: gateway.id,
					provider: gateway.provider,
					account: {
						api_key: gateway.api_key,
						api_secret: secret("api_secret", gateway.api_secret),
						webhook_secret: gateway.webhook_secret === null ? null : secret("webhook_secret", gateway.webhook_secret),
						settings: gateway.settings,
					},
					networks: gateway.webhook_networks?.map(parseNetwork) ?? null,
				},
			];
		} catch (err) {
			this.#logger.error({ err, gateway_id: gateway.id }, "a gateway cannot receive webhooks");
			return [];
		}
	}
}

/** A CIDR range, or one address. */
function parseNetwork(text: string): Network {
	if (text.includes("/")) return ipaddr.parseCIDR(text);
	const address = ipaddr.parse(text);
	return [address, address.kind() === "ipv4" ? 32 : 128];
}

export function comesFrom(networks: Network[] | null, source: string): boolean {
	if (networks === null || networks.length === 0) return true;
	if (!ipaddr.isValid(source)) return false;
	// ::ffff:1.2.3.4 is 1.2.3.4
	const address = ipaddr.process(source);
	return networks.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
}
