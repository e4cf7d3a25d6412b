import { onUnmounted, type Ref, ref } from "vue";

/** Copies what `text` answers, and says for two seconds that it was copied. */
export function useCopy(text: () => string): { copied: Ref<boolean>; copy: () => Promise<void> } {
	const copied = ref(false);
	let timer: ReturnType<typeof setTimeout> | undefined;
	onUnmounted(() => clearTimeout(timer));

	async function copy(): Promise<void> {
		await write(text());
		copied.value = true;
		clearTimeout(timer);
		timer = setTimeout(() => {
			copied.value = false;
		}, 2_000);
	}
	return { copied, copy };
}

/** The clipboard interface exists only on https and localhost. */
async function write(text: string): Promise<void> {
	if (navigator.clipboard) {
		await navigator.clipboard.writeText(text);
		return;
	}
	const area = document.createElement("textarea");
	area.value = text;
	document.body.append(area);
	area.select();
	document.execCommand("copy");
	area.remove();
}
