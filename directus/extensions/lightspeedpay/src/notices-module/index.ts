import { defineModule } from "@directus/extensions-sdk";
import Merchant from "./merchant.vue";
import Message from "./message.vue";
import Notices from "./notices.vue";

export default defineModule({
	id: "notices",
	name: "Notices",
	icon: "chat",
	routes: [
		{ path: "", component: Notices },
		{ path: "merchants/:id", component: Merchant, props: true },
		{ path: ":id", component: Message, props: true },
	],
});
