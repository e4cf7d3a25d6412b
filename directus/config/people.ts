/** What we add to Directus' own page of a person. */
import { type Field, label, panel } from "./fields.ts";

export const personFields: Field[] = [panel("sessions", label("Sessions", "सत्र"), "lightspeedpay-sessions")];
