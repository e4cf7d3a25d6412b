// @ts-check
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** Opens a provider's page by the provider's own script, and says so when that does not work. */
(() => {
	const GIVE_UP_MS = 20000;

	const page = document.getElementById("opening");
	const script = document.getElementById("provider-script");
	if (!page || !script) return;

	/** @param {"failure" | "again"} shown */
	function show(shown) {
		for (const id of ["wait", "failure", "again"]) {
			const section = document.getElementById(id);
			if (section) section.hidden = id !== shown;
		}
		document.getElementById(`${shown}-heading`)?.focus();
	}

	addEventListener("pageshow", ({ persisted }) => {
		if (persisted) show("again");
	});
	const [navigation] = performance.getEntriesByType("navigation");
	if (navigation instanceof PerformanceNavigationTiming && navigation.type === "back_forward") {
		// Who comes back from the provider's page must not be sent there at once.
		show("again");
		return;
	}
	const giving_up = setTimeout(() => show("failure"), GIVE_UP_MS);
	addEventListener("pagehide", () => clearTimeout(giving_up));
	script.addEventListener("error", () => show("failure"));
	script.addEventListener("load", async () => {
		try {
			await globalThis.openProviderPage(JSON.parse(page.dataset.session ?? ""));
		} catch {
			show("failure");
		}
	});
})();
