/** Keeps the newest `capacity` items: a benchmark may push thousands of requests a second through the sandbox for minutes. */
export class Ring<Item> {
	readonly #items: Item[] = [];
	readonly #capacity: number;
	#next = 0;
	#total = 0;

	constructor(capacity: number) {
		this.#capacity = capacity;
	}

	push(item: Item): void {
		this.#items[this.#next] = item;
		this.#next = (this.#next + 1) % this.#capacity;
		this.#total += 1;
	}

	/** How many were ever pushed since the last clear, dropped ones included. */
	get total(): number {
		return this.#total;
	}

	/** Oldest first. */
	list(): Item[] {
		if (this.#items.length < this.#capacity) return [...this.#items];
		return [...this.#items.slice(this.#next), ...this.#items.slice(0, this.#next)];
	}

	clear(): void {
		this.#items.length = 0;
		this.#next = 0;
		this.#total = 0;
	}
}
