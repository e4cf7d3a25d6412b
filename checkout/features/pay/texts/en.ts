/** Every word of the payer's pages. A placeholder such as {amount} is filled by fillText. */
export const en = {
	name: "English",
	document_title: "{heading} · {merchant}",
	skip_to_payment: "Skip to the payment",
	amount_to_pay: "Amount to pay",
	amount_paid: "Amount paid",
	amount: "Amount",
	paying_to: "Paying",
	order: "Order",
	copy_order: "Copy the order number",
	copy: "Copy",
	copied: "Copied",
	for_what: "For",
	pay_by: "Pay by",
	time_left: "Time left",
	minute_left: "One minute left to pay.",
	paid_at: "Paid on",
	paid_with: "Paid with",
	refunded_amount: "Refunded",
	payment_number: "Payment number",
	continue_to_pay: "Continue to pay {amount}",
	try_again: "Try again · {amount}",
	back_to_merchant: "Back to {merchant}",
	back_to_payment: "Back to the payment page",
	refresh: "Check again",
	close_page: "You can close this page.",
	returning: "Taking you back to {merchant} in {seconds} seconds.",
	stay: "Stay on this page",
	opening: "Opening the secure payment page.",
	offline: "No internet connection. This page carries on when you are online again.",
	trust:
		"You pay on the secure page of the merchant’s payment provider. Your card number, UPI PIN and passwords never reach this page.",
	language_switch: "Language",
	methods: {
		upi: "UPI",
		card: "Card",
		netbanking: "Netbanking",
		wallet: "Wallet",
		emi: "EMI",
	},
	states: {
		preparing: {
			heading: "Getting your payment ready",
			text: "This takes a few seconds. The page moves on by itself.",
			slow: "It takes longer than usual. You can wait here, or go back and try again later.",
		},
		ready: {
			heading: "Ready to pay",
			text: "You choose how to pay on the next page.",
		},
		left: {
			heading: "Payment not finished",
			text: "You left before paying. You can go on until {expiry}.",
			note: "If money has already left your account, do not pay again. This page shows it as soon as it is confirmed.",
		},
		confirming: {
			heading: "Confirming your payment",
			text: "We are checking with the payment provider. This page moves on by itself.",
			note: "Please do not pay a second time. If you stopped before paying, you can go back.",
		},
		declined: {
			heading: "Payment did not go through",
			text: "You can try again, also in another way, until {expiry}.",
			note: "If money has left your account, wait before you try again: this page shows the payment as soon as it is confirmed.",
		},
		paid: {
			heading: "Payment successful",
			text: "Your payment to {merchant} is confirmed.",
			late: "It arrived after the time to pay was over, and was still accepted.",
		},
		expired: {
			heading: "Time to pay is over",
			text: "Nothing more can be paid here. Start again at {merchant} if you still want to pay.",
			note: "If money has left your account, keep the order number. This page shows the payment once it is confirmed.",
		},
		failed: {
			heading: "Payment failed",
			text: "This payment cannot be completed any more. Start again at {merchant} if you still want to pay.",
			note: "If money has left your account, keep the order number and ask {merchant}.",
		},
		unavailable: {
			heading: "Payment is not possible right now",
			text: "No payment provider could be reached. You have not been charged. Try again at {merchant} in a few minutes.",
		},
		refunded: {
			heading: "Payment refunded",
			text: "{refunded} has been sent back to where you paid from. Your bank may take a few working days to show it.",
		},
		partially_refunded: {
			heading: "Payment partly refunded",
			text: "{refunded} of {amount} has been sent back to where you paid from. Your bank may take a few working days to show it.",
		},
	},
	/** Why a try did not go through, by the provider-neutral code; only reasons that help the payer. */
	reasons: {
		declined: "The bank declined it.",
		insufficient_funds: "There was not enough money in the account.",
		cancelled_by_payer: "It was cancelled.",
		payer_timed_out: "It was not approved in time.",
		bank_unavailable: "The bank could not be reached.",
	},
	problems: {
		not_found: {
			heading: "No such payment",
			text: "This link does not lead to a payment. Go back to the merchant and start again.",
		},
		bad_link: {
			heading: "This link is not complete",
			text: "Open the link exactly as you received it, or go back to the merchant and start again.",
		},
		broken: {
			heading: "Something went wrong on our side",
			text: "Nothing was charged by this page. Please load it again in a moment.",
		},
	},
	reload: "Load again",
	request: "Reference",
};

/** The same keys, any words. */
export type Texts = typeof en;
