import { ref } from "vue";
import type { AreaId } from "./areas.ts";

/** As the server last said, so that going from area to area does not empty the navigation. */
export const seenAreas = ref<AreaId[]>([]);
