/**
 * The sandbox's cashfree.js: what a merchant's page uses of Cashfree's own. `checkout` posts the session to the page of
 * the host that the script came from, where Cashfree's goes to the host that its mode names.
 */
export const BROWSER_SCRIPT = `(() => {
	"use strict";
	const host = new URL("../../pg/view/sessions/checkout", document.currentScript.src).href;
	const targets = ["_self", "_blank", "_top", "_parent"];
	const refuse = (message, code) => Promise.resolve({ error: { message, code, type: "invalid_request_error" } });
	window.Cashfree = (options) => {
		const mode = options && options.mode;
		if (mode !== "sandbox" && mode !== "production") throw new Error("mode should be sandbox or production");
		return {
			version: () => "3.0-sandbox",
			checkout({ paymentSessionId, redirectTarget = "_self" } = {}) {
				if (typeof paymentSessionId !== "string" || !paymentSessionId.startsWith("session_")) {
					return refuse("payment_session_id is not present or is invalid", "payment_session_id_invalid");
				}
				if (!targets.includes(redirectTarget)) return refuse("redirectTarget is not supported", "redirect_target_invalid");
				const form = document.createElement("form");
				form.method = "post";
				form.action = host;
				form.target = redirectTarget;
				const field = document.createElement("input");
				field.type = "hidden";
				field.name = "payment_session_id";
				field.value = paymentSessionId;
				form.append(field);
				document.body.append(form);
				form.submit();
				return Promise.resolve({ redirect: true });
			},
		};
	};
})();
`;
