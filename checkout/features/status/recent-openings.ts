const SPAN_MS = 2_000;

/** Which transactions had a stream opened within the last seconds. */
export class RecentOpenings {
	#present = new Set<string>();
	#before = new Set<string>();
	#since = performance.now();

	/** Notes that one is opened; true when none was for two seconds at least. */
	isFirst(transaction_id: string): boolean {
		const now = performance.now();
		if (now - this.#since >= SPAN_MS) {
			this.#before = now - this.#since < 2 * SPAN_MS ? this.#present : new Set();
			this.#present = new Set();
			this.#since = now;
		}
		const is_first = !this.#present.has(transaction_id) && !this.#before.has(transaction_id);
		this.#present.add(transaction_id);
		return is_first;
	}
}
