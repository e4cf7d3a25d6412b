/**
 * A list of which the first page stays new by itself and further ones are read when they are asked for. Those stay as they were
 * read, but for rows that the first page has too.
 */
import { useApi } from "@directus/extensions-sdk";
import { computed, type Ref, ref, shallowRef, watch } from "vue";
import { explain } from "./answers.ts";
import { type Live, useLive } from "./live.ts";
import { rowsPushedOut, without } from "./rows-of-pages.ts";

export interface LivePages<First, Row> extends Live<First> {
	rows: Ref<Row[]>;
	hasMore: Ref<boolean>;
	isLoadingMore: Ref<boolean>;
	/** Why the further page could not be read. */
	moreError: Ref<string | null>;
	loadMore: () => Promise<void>;
}

export function useLivePages<Row, First, Further = First>(list: {
	/** Of the first page ("/lightspeedpay/…"); with another address it is another list. */
	url: () => string;
	rowsOf: (page: First | Further) => Row[];
	/** What tells rows apart; "id" unless said. */
	idOf?: (row: Row) => string;
	/** Address of the page after this one, which ends with `last`; null when it was the last page. */
	nextOf: (page: First | Further, last: Row | undefined) => string | null;
}): LivePages<First, Row> {
	const api = useApi();
	const { data, error, isLive } = useLive<First>(list.url);
	const further = shallowRef<Row[]>([]);
	const lastRead = shallowRef<Further | null>(null);
	const isLoadingMore = ref(false);
	const moreError = ref<string | null>(null);
	const idOf = list.idOf ?? ((row: Row) => (row as { id: string }).id);

	const first = computed(() => (data.value === null ? [] : list.rowsOf(data.value)));
	// What one may not see any more is not there, on no page.
	const rows = computed(() =>
		data.value === null ? [] : [...first.value, ...without(further.value, first.value, idOf)],
	);
	const next = computed(() => {
		const page = lastRead.value ?? data.value;
		return page === null ? null : list.nextOf(page, rows.value.at(-1));
	});

	watch(list.url, () => {
		further.value = [];
		lastRead.value = null;
		moreError.value = null;
	});
	watch(first, (now, before) => {
		if (lastRead.value === null) return;
		const pushedOut = rowsPushedOut(now, before, further.value, idOf);
		further.value = [...pushedOut, ...without(further.value, pushedOut, idOf)];
	});

	async function loadMore(): Promise<void> {
		if (next.value === null || isLoadingMore.value) return;
		const wanted = list.url();
		isLoadingMore.value = true;
		moreError.value = null;
		try {
			const page = (await api.get(next.value)).data.data as Further;
			if (wanted !== list.url()) return;
			further.value = [...further.value, ...list.rowsOf(page)];
			lastRead.value = page;
		} catch (failure) {
			if (wanted === list.url()) moreError.value = explain(failure);
		} finally {
			isLoadingMore.value = false;
		}
	}

	return {
		data,
		error,
		isLive,
		rows,
		hasMore: computed(() => next.value !== null),
		isLoadingMore,
		moreError,
		loadMore,
	};
}
