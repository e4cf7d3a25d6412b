import { ref } from "vue";
import type { AreaId } from "./areas.ts";

/** As the server last said, so that going from area to area does not empty the navigation. */
export const seenAreas = ref<AreaId[]>([]);

/** Whether the person may be sent there. */
export const isShown = (area: AreaId): boolean => seenAreas.value.includes(area);
