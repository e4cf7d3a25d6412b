import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type Express, type NextFunction, type Request, type Response, Router } from "express";
import { createControl } from "./control.ts";
import { createDisputePages } from "./dispute-pages.ts";
import { Faults } from "./faults.ts";
import { indexPage } from "./index-page.ts";
import { MerchantEndpoint } from "./merchant/endpoint.ts";
import { sendPage } from "./page.ts";
import { createProviders } from "./providers.ts";
import { Registry } from "./registry.ts";
import { RequestLog, serviceOf } from "./request-log.ts";
import { type Persistent, readable, readStateFile, writeStateFile } from "./state-file.ts";
import { WebhookSender } from "./webhook-sender.ts";
import { Whatsapp } from "./whatsapp/whatsapp.ts";

export interface SandboxOptions {
	/** Keeps accounts and merchants across restarts; files beside it keep a provider's newest orders and what it has besides. */
	state_file?: string | null;
	/** The wait before a provider's second try of a webhook. */
	webhook_retry_base_ms?: number;
	webhook_max_attempts?: number;
	/** Newest requests kept in the log. */
	log_capacity?: number;
	/** Newest orders kept, a provider. */
	order_capacity?: number;
	host?: string;
	/** Told of failures of the sandbox itself. */
	onError?: (error: unknown) => void;
}

export interface Sandbox {
	app: Express;
	/** Port 0 picks a free one. Answers the URL. */
	listen(port: number): Promise<string>;
	close(): Promise<void>;
	/** Without a trailing slash; known once it listens. */
	readonly url: string;
}

const MAX_BODY = "2mb";

function noSuchAddress(_req: Request, res: Response): void {
	res.status(404).json({ error: { code: "not_found", message: "No service of the sandbox has this address" } });
}

/** The outside world: payment providers and a merchant, under one port of this machine. */
export function createSandbox(options: SandboxOptions = {}): Sandbox {
	const host = options.host ?? "127.0.0.1";
	const registry = new Registry(options.state_file ?? null);
	const faults = new Faults();
	const log = new RequestLog(options.log_capacity ?? 5_000);
	const sender = new WebhookSender({
		retry_base_ms: options.webhook_retry_base_ms ?? 1_000,
		max_attempts: options.webhook_max_attempts ?? 8,
	});
	const providers = createProviders({ registry, sender, capacity: options.order_capacity ?? 100_000 });
	const merchant = new MerchantEndpoint(registry);
	const whatsapp = new Whatsapp(sender);
	const kept = new Map<string, Persistent>();
	for (const provider of options.state_file ? providers : []) {
		const file = `${options.state_file}.${provider.name}`;
		kept.set(file, provider);
		for (const [name, book] of Object.entries(provider.books ?? {})) kept.set(`${file}.${name}`, book);
	}
	for (const [file, persistent] of kept) {
		readable(file, () => {
			const saved = readStateFile(file);
			if (saved !== null) persistent.restore(saved);
		});
	}

	const app = express();
	app.disable("x-powered-by");
	app.disable("etag");
	app.use(express.raw({ type: () => true, limit: MAX_BODY }));
	// Found by name, before all others: most of what comes, by far, is for one of them.
	const services = new Map<string, Router>();
	const addService = (name: string, router: Router) => {
		services.set(name, Router().use(log.record, faults.inject).use(`/${name}`, router).use(noSuchAddress));
	};
	for (const { name, errorBody, router } of [...providers, ...whatsapp.services]) {
		faults.describeErrorsOf(name, errorBody);
		addService(name, router);
	}
	addService("merchant", merchant.router);
	app.use((req, res, next) => {
		const service = services.get(serviceOf(req.path));
		if (service === undefined) next();
		else service(req, res, next);
	});
	app.use("/_control", createControl({ providers, registry, faults, log, sender, merchant, whatsapp }));
	app.get("/healthz", (_req, res) => {
		res.json({ status: "ok" });
	});
	app.get("/", (_req, res) => {
		sendPage(res, 200, indexPage(providers, merchant.events().slice(-20).reverse()));
	});
	app.use("/whatsapp", whatsapp.pages);
	app.use("/disputes", createDisputePages(providers));
	app.use(log.record, faults.inject, noSuchAddress);
	app.use((error: Error & { status?: number }, _req: Request, res: Response, next: NextFunction) => {
		if (res.headersSent) return next(error);
		const status = error.status ?? 500;
		if (status >= 500) options.onError?.(error);
		res.status(status).json({
			error:
				status === 413
					? { code: "payload_too_large", message: `A body may have ${MAX_BODY}` }
					: status < 500
						? { code: "invalid_request", message: error.message }
						: { code: "internal_error", message: "The sandbox failed; its log says why" },
		});
	});

	// Whoever calls closes what is idle: where we did, a call might go out on a connection that is just being closed.
	const server = createServer({ keepAliveTimeout: 600_000 }, app);
	let url = "";
	return {
		app,
		get url() {
			return url;
		},
		async listen(port) {
			await new Promise<void>((resolve, reject) => {
				server.once("error", reject);
				server.listen(port, host, () => {
					server.off("error", reject);
					resolve();
				});
			});
			const address = server.address() as AddressInfo;
			url = `http://${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}`;
			return url;
		},
		async close() {
			sender.close();
			faults.close();
			if (server.listening) {
				const closed = new Promise<void>((resolve) => server.close(() => resolve()));
				server.closeAllConnections();
				await closed;
			}
			for (const [file, persistent] of kept) writeStateFile(file, persistent.save());
		},
	};
}
