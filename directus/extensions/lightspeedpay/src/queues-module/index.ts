import { defineModule } from "@directus/extensions-sdk";
import Queue from "./queue.vue";
import Queues from "./queues.vue";

export default defineModule({
	id: "queues",
	name: "Queues",
	icon: "stacks",
	routes: [
		{ path: "", component: Queues },
		{ path: ":queue", component: Queue, props: true },
	],
});
