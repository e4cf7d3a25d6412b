/**
 * An answer of the studio's endpoint that stays new by itself: a stream of events, and a short poll where streams do not
 * get through. Nothing runs while the page is hidden: a browser keeps six connections to a server open, for all its tabs.
 */
import { useApi } from "@directus/extensions-sdk";
import { onUnmounted, type Ref, ref, shallowRef, watch } from "vue";
import { explain } from "./answers.ts";

const POLL_MS = 1_000;
const SLOWEST_POLL_MS = 15_000;
const SLOWEST_STREAM_MS = 60_000;
/** The first answer comes at once, and a beat every 15 s. */
const FIRST_WITHIN_MS = 5_000;
const SILENT_MS = 40_000;

export interface Live<T> {
	data: Ref<T | null>;
	error: Ref<string | null>;
	isLive: Ref<boolean>;
}

/** `url` is "/lightspeedpay/…", or null for nothing (yet). */
export function useLive<T>(url: () => string | null): Live<T> {
	const api = useApi();
	const data = shallowRef<T | null>(null) as Ref<T | null>;
	const error = ref<string | null>(null);
	const isLive = ref(false);

	let current: string | null = null;
	let source: EventSource | null = null;
	let timer: ReturnType<typeof setTimeout> | undefined;
	let silence: ReturnType<typeof setTimeout> | undefined;
	let streamFailures = 0;
	let pollFailures = 0;
	let streamAgainAt = 0;

	function show(answer: T): void {
		data.value = answer;
		error.value = null;
	}

	function stop(): void {
		clearTimeout(timer);
		clearTimeout(silence);
		source?.close();
		source = null;
		isLive.value = false;
	}

	function start(): void {
		stop();
		if (current === null || document.hidden) return;
		if (Date.now() < streamAgainAt) void poll();
		else stream();
	}

	function stream(): void {
		const opened = new EventSource(api.getUri({ url: current! }));
		source = opened;
		expectWord(FIRST_WITHIN_MS);
		opened.addEventListener("data", (event) => {
			show(JSON.parse((event as MessageEvent<string>).data));
			isLive.value = true;
			streamFailures = 0;
			expectWord(SILENT_MS);
		});
		opened.addEventListener("beat", () => expectWord(SILENT_MS));
		opened.addEventListener("problem", (event) => {
			const { message } = JSON.parse((event as MessageEvent<string>).data) as { message: string | null };
			error.value = message ?? "The studio cannot read this at the moment.";
			expectWord(SILENT_MS);
		});
		opened.onerror = broke;
	}

	function expectWord(within: number): void {
		clearTimeout(silence);
		silence = setTimeout(broke, within);
	}

	/** What became of it, a poll finds out: only that says why. */
	function broke(): void {
		stop();
		streamFailures++;
		streamAgainAt = Date.now() + Math.min(1_000 * 2 ** (streamFailures - 1), SLOWEST_STREAM_MS);
		timer = setTimeout(poll, 300 * Math.random());
	}

	async function poll(): Promise<void> {
		clearTimeout(timer);
		const wanted = current;
		if (wanted === null) return;
		try {
			const answer = await api.get(wanted);
			if (wanted !== current) return;
			show(answer.data.data);
			pollFailures = 0;
		} catch (failure) {
			if (wanted !== current) return;
			pollFailures = Math.min(pollFailures + 1, 10);
			error.value = explain(failure);
			// What one may no longer see does not stay on the screen.
			const status = (failure as { response?: { status?: number } }).response?.status;
			if (status === 401 || status === 403) data.value = null;
		}
		if (document.hidden) return;
		const wait = Math.min(POLL_MS * 2 ** pollFailures, SLOWEST_POLL_MS);
		timer = setTimeout(start, pollFailures === 0 ? wait : wait * (0.5 + Math.random()));
	}

	watch(
		url,
		(next) => {
			current = next;
			data.value = null;
			error.value = null;
			streamAgainAt = 0;
			streamFailures = 0;
			pollFailures = 0;
			start();
		},
		{ immediate: true },
	);
	document.addEventListener("visibilitychange", start);
	onUnmounted(() => {
		current = null;
		stop();
		document.removeEventListener("visibilitychange", start);
	});
	return { data, error, isLive };
}
