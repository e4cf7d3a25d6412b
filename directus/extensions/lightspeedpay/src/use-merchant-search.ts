import { useApi } from "@directus/extensions-sdk";
import { computed, ref, watch } from "vue";

/** A merchant found by a part of the name: what is typed, who it may be, and who is meant once the whole name stands there. */
export function useMerchantSearch() {
	const api = useApi();
	const merchantText = ref("");
	const merchants = ref<{ id: string; company_name: string }[]>([]);
	const chosenMerchant = computed(
		() => merchants.value.find(({ company_name }) => company_name === merchantText.value) ?? null,
	);
	watch(merchantText, async (text) => {
		if (text.trim() === "" || chosenMerchant.value) return;
		const { data } = await api.get("/items/clients", {
			params: {
				fields: "id,company_name",
				filter: { company_name: { _icontains: text.trim() } },
				sort: "company_name",
				limit: 10,
			},
		});
		if (merchantText.value === text) merchants.value = data.data;
	});

	function clearMerchant(): void {
		merchantText.value = "";
		merchants.value = [];
	}
	return { merchantText, merchants, chosenMerchant, clearMerchant };
}
