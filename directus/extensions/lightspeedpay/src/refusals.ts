/** What the database refused, in words that say what to do. */
import { DATABASE_ERRORS } from "../../../../db/client/errors.ts";
import { formatRupees } from "./rupees.ts";

interface DatabaseError {
	code?: string;
	message?: string;
	detail?: string;
	hint?: string;
}

export interface Refusal {
	/** As Directus writes codes. */
	code: string;
	message: string;
	status: number;
}

/** Where the function's own words are for programs. */
const WORDS: Record<string, (detail: string | undefined) => string> = {
	refund_exceeds_amount: (detail) =>
		Number(detail) > 0
			? `Only ${formatRupees(detail)} is left of this payment. Enter that or less.`
			: "Nothing is left of this payment: all of it was given back or is on its way.",
	utr_already_used: (detail) =>
		`UTR ${detail} has proven another payment. Search the attempts for it to see which; a UTR is used once.`,
	no_whatsapp_number: () =>
		"There is no number for WhatsApp. Enter one with the country code, such as +91 98450 12345.",
	whatsapp_opted_out: () => "This merchant wants no messages by WhatsApp. Their preferences say since when.",
	variables_do_not_fit: (detail) =>
		`The template cannot be sent with this: look at the variable "${detail}". Its value is missing, too long, or not of its kind.`,
	reference_conflict: (detail) =>
		`This reference is recorded with ${formatRupees(detail)} already. Check it; a correction is an adjustment.`,
	invalid_refund_amount: () => "Enter an amount above zero.",
};

/** Null for an error that is no refusal of ours. */
export function describeRefusal(error: unknown): Refusal | null {
	const { code, message, detail, hint } = error as DatabaseError;
	if (!code?.startsWith("LS")) return null;
	const name = DATABASE_ERRORS[code]?.name ?? "refused";
	// Knex puts the statement before the message.
	const words = message?.split(" - ").at(-1) ?? "refused";
	return {
		code: name.toUpperCase(),
		message: WORDS[name]?.(detail) ?? (hint ? `${words}. ${hint}` : words),
		status: name.startsWith("no_such_") ? 403 : 409,
	};
}
