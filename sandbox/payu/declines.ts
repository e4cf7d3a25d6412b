/** Why a payment fails: PayU's codes and states, with the words that go with them. */
export interface Decline {
	label: string;
	error: string;
	message: string;
	unmappedstatus: "failed" | "userCancelled" | "bounced" | "dropped";
}

export const DECLINES: Record<string, Decline> = {
	bank_failed: {
		label: "Bank says no",
		error: "E500",
		message: "Bank failed to authenticate the customer",
		unmappedstatus: "failed",
	},
	insufficient_funds: {
		label: "Not enough money in the account",
		error: "E706",
		message: "Insufficient Funds",
		unmappedstatus: "failed",
	},
	bank_denied: {
		label: "Declined by the bank",
		error: "E312",
		message: "Bank denied transaction on the card.",
		unmappedstatus: "failed",
	},
	timer_expired: {
		label: "Not approved in time",
		error: "E906",
		message: "Transaction failed as the timer expired.",
		unmappedstatus: "failed",
	},
	bank_unreachable: {
		label: "Technical fault at the bank",
		error: "E214",
		message: "The Bank servers are unreachable over the network",
		unmappedstatus: "failed",
	},
	user_cancelled: {
		label: "Cancelled by the payer",
		error: "E1605",
		message: "Transaction cancelled by user",
		unmappedstatus: "userCancelled",
	},
	dropped: {
		label: "Never came back from the bank",
		error: "E000",
		message: "No Error",
		unmappedstatus: "dropped",
	},
	bounced: {
		label: "Went away before paying",
		error: "E000",
		message: "No Error",
		unmappedstatus: "bounced",
	},
};

export const DEFAULT_DECLINE = "bank_failed";
