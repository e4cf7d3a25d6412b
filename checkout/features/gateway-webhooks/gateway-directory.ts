import ipaddr from "ipaddr.js";
import type { Logger } from "pino";
import type { Queryable } from "../../../db/client/call.ts";
import { findWebhookGateways, type WebhookGateway } from "../../../db/client/clients.ts";
import { type EncryptionKeys, openGatewaySecrets } from "../../../db/client/secrets.ts";
import type { PspAccount } from "../../../psp/adapter.ts";
import { ClientCache } from "../../client-cache.ts";
import type { DatabaseListener } from "../../database-listener.ts";

export interface KnownGateway {
	id: string;
	provider: string;
	account: PspAccount;
	/** Where its webhooks may come from. Null: from anywhere. */
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

	constructor(
		database: Queryable,
		keys: EncryptionKeys,
		listener: DatabaseListener,
		logger: Logger,
		count: (result: "hit" | "miss") => void,
	) {
		this.#database = database;
		this.#keys = keys;
		this.#logger = logger;
		this.#cache = new ClientCache(listener, ["gateway_changed", "client_changed"], ({ client_id }) => client_id, count);
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
		const { id, provider } = gateway;
		try {
			const account = openGatewaySecrets(this.#keys, gateway);
			return [{ id, provider, account, networks: this.#openNetworks(gateway) }];
		} catch (err) {
			this.#logger.error({ err, gateway_id: id }, "a gateway cannot receive webhooks");
			return [];
		}
	}

	/** A list whose every entry is unreadable lets nobody in: it was meant to keep senders out. */
	#openNetworks({ id, webhook_networks }: WebhookGateway): Network[] | null {
		if (webhook_networks === null || webhook_networks.length === 0) return null;
		return webhook_networks.flatMap((entry) => {
			try {
				return [parseNetwork(entry)];
			} catch (err) {
				this.#logger.error({ err, gateway_id: id, entry }, "an entry of a gateway's address list is not a network");
				return [];
			}
		});
	}
}

/** A CIDR range, or one address. */
function parseNetwork(text: string): Network {
	if (text.includes("/")) return ipaddr.parseCIDR(text);
	const address = ipaddr.parse(text);
	return [address, address.kind() === "ipv4" ? 32 : 128];
}

export function comesFrom(networks: Network[] | null, source: string): boolean {
	if (networks === null) return true;
	if (!ipaddr.isValid(source)) return false;
	// ::ffff:1.2.3.4 is 1.2.3.4
	const address = ipaddr.process(source);
	return networks.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
}
