/** Who the studio works for at the moment: travels with the request, also into what the request sets going. */
import { AsyncLocalStorage } from "node:async_hooks";

export interface Person {
	/** Their id; empty for nobody. */
	actor: string;
	address: string;
}

export const people = new AsyncLocalStorage<Person>();
