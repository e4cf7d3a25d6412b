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
	copy_amount: "Copy the amount",
	copy_upi_id: "Copy the UPI ID",
	copy: "Copy",
	copied: "Copied",
	for_what: "For",
	pay_by: "Pay by",
	time_left: "Time left",
	minute_left: "One minute left to pay.",
	paid_at: "Paid on",
	paid_with: "Paid with",
	refunded_amount: "Refunded",
	order_amount: "Order amount",
	payment_number: "Payment number",
	continue_to_pay: "Continue to pay {amount}",
	try_again: "Try again · {amount}",
	pay_another_way: "Pay another way",
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
	trust_upi:
		"You approve the payment in your own UPI app and pay straight to the merchant. Never enter your UPI PIN anywhere else.",
	language_switch: "Language",
	upi: {
		open_app: "Open a UPI app",
		apps: "Open with",
		another_app: "Another UPI app",
		qr: "QR code for UPI",
		scan_elsewhere: "Or scan from another phone",
		valid_for: "This code is valid for",
		exact:
			"Pay exactly {amount}, not {order_amount}. The odd paise tell the merchant’s bank that the payment is yours.",
		payee: "Paid to",
		id: "UPI ID",
	},
	utr: {
		heading: "Paid? Enter the UTR",
		heading_late: "Already paid? Enter the UTR",
		heading_again: "Entered a wrong number?",
		label: "UTR number",
		hint: "12 digits, in your UPI app under the payment’s details. Some apps call it UPI reference or UPI transaction ID.",
		send: "Send the UTR",
		rejected: "The merchant found no payment with the UTR {utr}. Check the number and enter it again.",
		error: "Error",
		refusals: {
			invalid: "A UTR has exactly 12 digits. Check the number in your UPI app.",
			used: "This UTR belongs to another payment. Enter the UTR of this one.",
			too_many: "No more numbers are taken for this payment. Ask the merchant, and name the order number.",
		},
	},
	/** The page that opens a provider's own page by the provider's script. */
	open: {
		heading: "Opening the secure payment page",
		text: "This takes a few seconds.",
		failed_heading: "The payment page did not open",
		failed_text: "You have not been charged. Check your internet connection and try again.",
		no_script_heading: "This way to pay needs JavaScript",
		no_script_text: "Turn on JavaScript in your browser and try again, or go back to the payment.",
		retry: "Try again",
	},
	refunds: {
		duplicate_pending: "You paid twice. The second payment of {amount} is on its way back to where you paid from.",
		duplicate_succeeded:
			"You paid twice. The second payment of {amount} has been sent back to where you paid from. Your bank may take a few working days to show it.",
		duplicate_failed:
			"You paid twice. The second payment of {amount} could not be sent back yet. It is being looked into; keep the order number.",
		requested_pending: "{amount} is on its way back to where you paid from.",
	},
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
		scan: {
			heading: "Pay with any UPI app",
			text: "Scan the code with a UPI app on your phone and approve the payment there.",
			text_phone: "Choose your UPI app and approve the payment there, then come back to this page.",
		},
		code_over: {
			heading: "The code is no longer valid",
			text: "Do not pay with it any more. If you have paid already, enter the UTR below.",
			other: "If not, you can pay another way until {expiry}.",
			note: "Nothing paid yet? Go back to {merchant} to start again.",
		},
		checking: {
			heading: "Waiting for the merchant’s bank",
			text: "You entered the UTR {utr}. {merchant} compares it with its bank account, and this page shows the payment as soon as it is found.",
			note: "Do not pay again. You can close this page and come back later by the same link.",
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
	link: {
		heading: "Pay {merchant}",
		text: "{merchant} asks you for this payment. Check the amount before you pay.",
		note: "Pay only if you know who sent you this link.",
		pay: "Pay {amount}",
		valid_until: "Valid until",
		reference: "Reference",
		preview_title: "Pay {amount} to {merchant}",
		preview_text: "Secure payment page of {merchant}",
	},
	problems: {
		link_not_found: {
			heading: "No such payment link",
			text: "Open the link exactly as you received it, or ask who sent it to you.",
		},
		link_expired: {
			heading: "This link has expired",
			text: "Nothing more can be paid by it. Ask {merchant} for a new one if you still want to pay.",
		},
		link_disabled: {
			heading: "This link is no longer in use",
			text: "{merchant} has closed it. Ask {merchant} for a new one if you still want to pay.",
		},
		link_completed: {
			heading: "This link has been paid",
			text: "The payment of {amount} to {merchant} is complete. There is nothing more to pay here.",
		},
		link_refused: {
			heading: "Payment is not possible right now",
			text: "You have not been charged. Try again in a few minutes, or ask {merchant}.",
		},
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
	/** On the page that the studio shows while a merchant's colours are chosen. */
	sample: "Preview: nothing can be paid here.",
	reload: "Load again",
	request: "Reference",
};

/** The same keys, any words. */
export type Texts = typeof en;
