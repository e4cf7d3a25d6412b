/** How the studio's own addresses are added: who may is checked here, before anything is read of what was sent. */
import type { ServerResponse } from "node:http";
import { createError, ForbiddenError } from "@directus/errors";
import { isStillAdmitted } from "../guard/standing.ts";
import {
	type Handler,
	holdsPolicy,
	type Request,
	type Response,
	type Router,
	requirePolicy,
	type Studio,
} from "./context.ts";

/** Ids of policies, or "reader": anybody who is logged in, where the answer itself uses the person's rights (itemsOf). */
export type Who = readonly string[] | "reader";

export type Method = "get" | "post" | "patch" | "delete";

export interface Route {
	method: Method;
	path: string;
	who: Who;
	/** Sends `text/event-stream` when asked to. */
	live: boolean;
}

/** Every address that was added, for the test that walks them all with every role. */
export const ROUTES: Route[] = [];

export interface RouteOptions {
	method: Method;
	/** Below /lightspeedpay, as Express writes it: "/queues/:task/pause". */
	path: string;
	who: Who;
	/** Its value is answered as {"data": …}. */
	answer: (req: Request, actor: string) => Promise<unknown>;
}

export function addRoute(router: Router, studio: Studio, { method, path, who, answer }: RouteOptions): void {
	note({ method, path, who, live: false });
	router[method](
		path,
		handle(async (req, res) => {
			const actor = await admit(studio, req, who);
			// Money and credentials never stay in a cache.
			res.set("Cache-Control", "no-store").json({ data: await answer(req, actor) });
		}),
	);
}

export interface LiveOptions {
	path: string;
	who: Who;
	/** One cheap call of the database: it runs every `everyMs` while anybody watches. */
	read: (req: Request, actor: string, view: string) => Promise<unknown>;
	/** Where people of different rights are shown different things: which of them this person is shown. */
	view?: (actor: string) => Promise<string>;
	everyMs?: number;
}

const EVERY_MS = 500;
const SLOWEST_MS = 5_000;
const RIGHTS_EVERY_MS = 10_000;
const BEAT_EVERY_MS = 15_000;
/** Whoever still looks comes again by themselves, and is then let in anew. */
const LONGEST_MS = 10 * 60_000;
const MOST_PER_PERSON = 30;
/** What a watcher who does not read may leave lying here. */
const MOST_UNREAD_BYTES = 1_000_000;

const TooManyStreams = createError("TOO_MANY_STREAMS", "Too many live pages are open. Close some.", 429);

/** GET answers once; with Accept: text/event-stream it answers at once and whenever the answer has changed. */
export function addLive(router: Router, studio: Studio, options: LiveOptions): void {
	const { path, who, read, view } = options;
	note({ method: "get", path, who, live: true });
	const polls = new Map<string, Poll>();
	router.get(
		path,
		handle(async (req, res) => {
			const actor = await admit(studio, req, who);
			const shown = (await view?.(actor)) ?? "";
			if (!String(req.headers.accept ?? "").includes("text/event-stream")) {
				res.set("Cache-Control", "no-store").json({ data: await read(req, actor, shown) });
				return;
			}
			const watching = [...everyWatcher].filter((each) => each.actor === actor).length;
			if (watching >= MOST_PER_PERSON) throw new TooManyStreams();
			// With rights of one's own, nobody else's answer is one's answer.
			const key = JSON.stringify([addressOf(req), shown, who === "reader" ? actor : null]);
			const poll = polls.get(key) ?? new Poll(options, () => polls.delete(key));
			polls.set(key, poll);
			const watcher: Watcher = { req, res, actor, view: shown, sent: null, ended: false };
			// Throws what the first reading throws, so that a refusal is an answer with its own status.
			const first = await poll.join(watcher);
			if (res.closed) return poll.leave(watcher);
			watch(studio, options, poll, watcher, first);
		}),
	);
}

interface Watcher {
	req: Request;
	res: Response & ServerResponse;
	actor: string;
	view: string;
	sent: string | null;
	ended: boolean;
}

const everyWatcher = new Set<Watcher>();

function watch(studio: Studio, { who, view }: LiveOptions, poll: Poll, watcher: Watcher, first: string): void {
	const { req, res } = watcher;
	everyWatcher.add(watcher);
	res.writeHead(200, {
		"Content-Type": "text/event-stream; charset=utf-8",
		"Cache-Control": "no-store, no-transform",
		// nginx would hold the answer back.
		"X-Accel-Buffering": "no",
	});
	const beat = setInterval(() => send(watcher, "beat", "{}"), BEAT_EVERY_MS);
	const rights = setInterval(() => {
		checkRights().catch(() => {
			// The database is away, so nothing is shown either; the next check decides.
		});
	}, RIGHTS_EVERY_MS);
	const longest = setTimeout(end, LONGEST_MS);

	async function checkRights(): Promise<void> {
		const stays =
			(await isStillAdmitted(studio.database, req)) &&
			(who === "reader" || (await holdsPolicy(studio, watcher.actor, who))) &&
			((await view?.(watcher.actor)) ?? "") === watcher.view;
		if (!stays) end();
	}

	function end(): void {
		if (watcher.ended) return;
		watcher.ended = true;
		clearInterval(beat);
		clearInterval(rights);
		clearTimeout(longest);
		everyWatcher.delete(watcher);
		poll.leave(watcher);
		res.end();
	}

	res.once("close", end);
	res.once("error", end);
	send(watcher, "data", first);
}

function send(watcher: Watcher, event: "data" | "beat" | "problem", text: string): void {
	if (watcher.ended) return;
	if (event === "data") {
		if (watcher.sent === text) return;
		watcher.sent = text;
	}
	// JSON has no line breaks of its own.
	watcher.res.write(`event: ${event}\ndata: ${text}\n\n`);
	if (watcher.res.writableLength > MOST_UNREAD_BYTES) watcher.res.destroy();
}

/** Reads for all who watch the same, one reading after the other, and stops with the last of them. */
class Poll {
	readonly #options: LiveOptions;
	readonly #forget: () => void;
	readonly #watchers = new Set<Watcher>();
	#reading: Promise<string> | null = null;
	#timer: ReturnType<typeof setTimeout> | undefined;
	#failures = 0;

	constructor(options: LiveOptions, forget: () => void) {
		this.#options = options;
		this.#forget = forget;
	}

	/** The newest answer, for somebody who has just come. */
	async join(watcher: Watcher): Promise<string> {
		this.#watchers.add(watcher);
		try {
			return await this.#read(watcher);
		} catch (error) {
			this.leave(watcher);
			throw error;
		}
	}

	leave(watcher: Watcher): void {
		this.#watchers.delete(watcher);
		if (this.#watchers.size > 0) return;
		clearTimeout(this.#timer);
		this.#forget();
	}

	#read({ req, actor, view }: Watcher): Promise<string> {
		clearTimeout(this.#timer);
		this.#reading ??= this.#options
			.read(req, actor, view)
			.then((answer) => {
				const text = JSON.stringify(answer ?? null);
				this.#failures = 0;
				for (const each of this.#watchers) if (each.res.headersSent) send(each, "data", text);
				return text;
			})
			.finally(() => {
				this.#reading = null;
				this.#schedule();
			});
		return this.#reading;
	}

	#schedule(): void {
		clearTimeout(this.#timer);
		const [next] = this.#watchers;
		if (next === undefined) return;
		const wait = (this.#options.everyMs ?? EVERY_MS) * 2 ** this.#failures;
		this.#timer = setTimeout(
			() => {
				this.#read(next).catch((error: unknown) => this.#report(error));
			},
			Math.min(wait, SLOWEST_MS),
		);
	}

	/** What could not be read now may be readable in a moment; who watches is told and keeps what they have. */
	#report(error: unknown): void {
		this.#failures = Math.min(this.#failures + 1, 10);
		const { extensions, message } = error as { extensions?: unknown; message?: string };
		const said = extensions === undefined ? null : message;
		for (const each of this.#watchers) send(each, "problem", JSON.stringify({ message: said }));
	}
}

// A stream that stays open would keep the process from ending.
process.once("SIGTERM", () => {
	for (const { res } of everyWatcher) res.end();
});

async function admit(studio: Studio, req: Request, who: Who): Promise<string> {
	if (who !== "reader") return await requirePolicy(studio, req, who);
	const user = req.accountability?.user ?? null;
	if (user === null || req.accountability?.share) throw new ForbiddenError();
	return user;
}

function addressOf(req: Request): string {
	const address = new URL(req.originalUrl, "http://studio");
	address.searchParams.delete("access_token");
	address.searchParams.sort();
	return address.pathname + address.search;
}

function note(route: Route): void {
	const known = ROUTES.findIndex(({ method, path }) => method === route.method && path === route.path);
	if (known === -1) ROUTES.push(route);
	else ROUTES[known] = route;
}

function handle(work: (req: Request, res: Response & ServerResponse) => Promise<void>): Handler {
	return (req, res, next) => {
		work(req, res).catch(next);
	};
}
