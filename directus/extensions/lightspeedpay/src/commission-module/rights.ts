import { useApi } from "@directus/extensions-sdk";
import { onMounted, ref } from "vue";

export interface Rights {
	/** The person's id. */
	user: string;
	may_act: boolean;
	may_suspend: boolean;
	may_administer: boolean;
}

/** What the person may do here, so that nothing is offered in vain; the endpoints check again. */
export function useRights() {
	const api = useApi();
	const rights = ref<Rights>({ user: "", may_act: false, may_suspend: false, may_administer: false });
	onMounted(async () => {
		const { data } = await api.get("/lightspeedpay/commission-rights");
		rights.value = data.data;
	});
	return rights;
}
