// @ts-check
/** Cashfree's script, v3: opens its page in this tab with the session of the order. */
globalThis.openProviderPage = async (/** @type {Record<string, string>} */ session) => {
	// @ts-expect-error: defined by Cashfree's script
	const cashfree = Cashfree({ mode: session.mode });
	const result = await cashfree.checkout({ paymentSessionId: session.payment_session_id, redirectTarget: "_self" });
	if (result?.error) throw new Error(result.error.message);
};
