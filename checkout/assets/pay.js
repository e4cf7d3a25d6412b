// @ts-check
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * Keeps the payment page true by itself. The server renders every state; this script only notices that something changed
 * (status stream, clock, return to the tab), loads the page again and puts the changed parts in place, so that nothing
 * jumps and the payer keeps the keyboard focus. Without it the page works by reloading and pressing buttons.
 */
(() => {
	const RELOAD_TIMEOUT_MS = 15000;
	const POLL_WITHOUT_STREAM_MS = 4000;
	const PARTS = ["amount", "state", "details"];

	/** @param {string} id */
	const element = (id) => document.getElementById(id);
	const page = element("payment");
	if (!page) return;
	const data = page.dataset;

	/** @type {EventSource | null} */
	let stream = null;
	let deadline = 0;
	let loading = false;
	let load_again = false;
	let poll_timer = 0;
	let return_timer = 0;
	/** The parts as the server last gave them: what happened to them here (folded open, filled in) is no change. */
	const given = new Map(PARTS.map((id) => [id, describe(document, id)]));
	/** Whether this tab saw the payer pay, so that taking them back is no surprise. */
	let witnessed = new URLSearchParams(location.search).has("returned");

	function field() {
		const input = element("utr-number");
		return input instanceof HTMLInputElement ? input : null;
	}

	/** @param {string | undefined} text */
	function announce(text) {
		const announcement = element("announcement");
		if (announcement && text) announcement.textContent = text;
	}

	/**
	 * True the first time in this tab; false where the browser keeps nothing, so that no loop can begin.
	 * @param {string} key
	 */
	function firstTime(key) {
		try {
			if (sessionStorage.getItem(key)) return false;
			sessionStorage.setItem(key, "1");
			return sessionStorage.getItem(key) === "1";
		} catch {
			return false;
		}
	}

	/**
	 * A part's source, without the time on the clock.
	 * @param {Document} of
	 * @param {string} id
	 */
	function describe(of, id) {
		const part = of.getElementById(id)?.cloneNode(true);
		if (!(part instanceof Element)) return "";
		const clock = part.querySelector("#clock");
		if (clock) clock.textContent = "";
		return part.outerHTML;
	}

	function load() {
		if (loading) {
			load_again = true;
			return;
		}
		loading = true;
		load_again = false;
		// XMLHttpRequest parses to a document without a Trusted Types sink.
		const request = new XMLHttpRequest();
		request.open("GET", location.href);
		request.responseType = "document";
		request.timeout = RELOAD_TIMEOUT_MS;
		request.onloadend = () => {
			loading = false;
			if (request.status === 200 && request.response) replaceWith(request.response);
			if (load_again) load();
			else schedulePoll();
		};
		request.send();
	}

	/** @param {Document} next */
	function replaceWith(next) {
		const next_page = next.getElementById("payment");
		if (!page || !next_page) return;
		if (next_page.dataset.formAction !== data.formAction) {
			// Another provider: this document's policy would not let the browser go there.
			location.reload();
			return;
		}
		const heading = element("heading")?.textContent;
		const focused = document.activeElement;
		for (const name of page.getAttributeNames()) {
			if (name.startsWith("data-")) page.setAttribute(name, next_page.getAttribute(name) ?? "");
		}
		const typed = field()?.value;
		const unfolded = element("utr")?.hasAttribute("open");
		for (const id of PARTS) {
			const [before, after] = [element(id), next.getElementById(id)];
			const source = describe(next, id);
			if (before && after && given.get(id) !== source) before.replaceWith(after);
			given.set(id, source);
		}
		const empty = field();
		if (typed && empty && !empty.value) empty.value = typed;
		if (unfolded) element("utr")?.setAttribute("open", "");
		document.title = next.title;
		const changed = heading !== element("heading")?.textContent;
		if (changed) {
			announce(`${element("heading")?.textContent}. ${element("message")?.textContent?.trim()}`);
			witnessed = true;
		}
		if (focused && !focused.isConnected)
			(element(focused.id) ?? element("heading"))?.focus({ preventScroll: !changed });
		begin();
	}

	/** Acts on what the page says now; after loading and after every replacement. */
	function begin() {
		deadline = data.remaining ? performance.now() + Number(data.remaining) : 0;
		tick();
		listen();
		schedulePoll();
		if (data.open && document.visibilityState === "visible" && firstTime(`opened:${data.open}`)) {
			const announcement = element("announcement");
			announce(announcement?.dataset.opening);
			element("pay-button")?.click();
		}
		clearInterval(return_timer);
		if (data.returnAfter && witnessed && firstTime(`returned:${location.pathname}`)) takeBack(Number(data.returnAfter));
	}

	/** @param {number} seconds */
	function takeBack(seconds) {
		const [line, back] = [element("returning"), element("back")];
		const text = line?.firstElementChild;
		if (!line || !text || !(back instanceof HTMLAnchorElement)) return;
		const words = line.dataset.text ?? "";
		const show = () => {
			text.textContent = words.replace("{seconds}", String(seconds));
		};
		show();
		line.classList.add("on");
		announce(`${element("heading")?.textContent}. ${text.textContent}`);
		return_timer = setInterval(() => {
			seconds -= 1;
			if (seconds > 0) {
				show();
				return;
			}
			clearInterval(return_timer);
			location.assign(back.href);
		}, 1000);
		element("stay")?.addEventListener("click", () => {
			clearInterval(return_timer);
			line.classList.remove("on");
			element("heading")?.focus();
		});
	}

	function listen() {
		if (!data.stream) {
			stream?.close();
			stream = null;
			return;
		}
		if (stream && stream.readyState !== EventSource.CLOSED) return;
		stream = new EventSource(data.stream);
		stream.addEventListener("status", (event) => {
			if (event.lastEventId !== data.version) load();
		});
		stream.onerror = schedulePoll;
	}

	/** A look now and then, should the stream be silent, over or blocked. */
	function schedulePoll() {
		clearTimeout(poll_timer);
		const deaf = data.stream && stream?.readyState === EventSource.CLOSED;
		const wait = deaf ? POLL_WITHOUT_STREAM_MS : Number(data.poll);
		if (wait) poll_timer = setTimeout(load, wait);
	}

	function tick() {
		const clock = element("clock");
		if (!deadline || !clock) return;
		const seconds = Math.max(0, Math.ceil((deadline - performance.now()) / 1000));
		/** @param {number} value */
		const pad = (value) => String(value).padStart(2, "0");
		const hours = Math.floor(seconds / 3600);
		const minutes = Math.floor(seconds / 60) % 60;
		const text = hours ? `${hours}:${pad(minutes)}:${pad(seconds % 60)}` : `${minutes}:${pad(seconds % 60)}`;
		if (clock.textContent !== text) clock.textContent = text;
		if (seconds === 60) announce(clock.dataset.minuteLeft);
		if (seconds === 0) {
			deadline = 0;
			load();
		}
	}

	document.addEventListener("click", async (event) => {
		const button = event.target instanceof Element ? event.target.closest("[data-copy]") : null;
		if (!(button instanceof HTMLElement)) return;
		const source = element(button.dataset.copy ?? "");
		if (!source) return;
		try {
			await navigator.clipboard.writeText(button.dataset.text ?? source.textContent ?? "");
			announce(button.dataset.copied);
			button.textContent = button.dataset.copied ?? "";
		} catch {
			// No permission, or not a secure context: select it, so that the payer can copy it by hand.
			getSelection()?.selectAllChildren(source);
		}
	});
	document.addEventListener("visibilitychange", () => {
		if (document.visibilityState === "visible") load();
	});
	addEventListener("pageshow", (event) => {
		if (event.persisted) load();
	});

	const offline = element("offline");
	const showConnection = () => {
		if (offline) offline.textContent = navigator.onLine ? "" : (offline.dataset.text ?? "");
	};
	addEventListener("offline", showConnection);
	addEventListener("online", () => {
		showConnection();
		load();
	});

	setInterval(tick, 500);
	showConnection();
	begin();
})();
