import { type Request, type Response, Router } from "express";
import { apiHash, sameHash } from "./hash.ts";
import { accountOf, type PayuContext } from "./payments.ts";
import {
	chargesOf,
	istDay,
	istTime,
	type Payment,
	type Refund,
	readSplits,
	rupees,
	type SettledLine,
	type StoredOrder,
	succeededPayment,
	tellingPayment,
} from "./store.ts";
import { sendRefundEvent } from "./webhooks.ts";

/** PayU's own most for a page of get_settlement_details. */
const REPORT_PAGE = 2000;
/** Settlements on a page of get_settlement_details_range; PayU publishes no number. */
const RANGE_PAGE = 10;
const MAX_TOKEN_LENGTH = 23;

type Vars = (index: number) => string;
type Command = (context: PayuContext, api_key: string, vars: Vars) => unknown;

const refusal = (msg: string, more: object = {}) => ({ status: 0, msg, ...more });

/** What PayU says of a fault inside itself, or of too many requests. */
export function errorBodyFor(status: number): unknown {
	return status === 429
		? refusal("Sorry, we are unable to process your request due to Too many Requests. Please try after 60 seconds")
		: refusal("Some Exception Occured.", { error_code: "500" });
}

/** Everything but the payment page is one address, and all answers but for faults have status 200. */
export function createApi(context: PayuContext): Router {
	const router = Router();
	function answer(req: Request, res: Response): void {
		const form = Buffer.isBuffer(req.body) ? new URLSearchParams(req.body.toString("utf8")) : new URLSearchParams();
		const vars: Vars = (index) => form.get(`var${index}`) ?? "";
		const name = form.get("command") ?? "";
		const account = context.registry.findAccount("payu", form.get("key") ?? "");
		const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
		if (account === undefined) res.json(refusal("Invalid Merchant Key or Merchant is not active"));
		else if (!sameHash(apiHash(account, name, vars(1)), form.get("hash") ?? undefined))
			res.json(refusal("Invalid Hash."));
		else if (command === undefined) res.json(refusal("Invalid command"));
		else res.type("json").send(withBareIds(command(context, account.api_key, vars)));
	}
	router.post(["/merchant/postservice.php", "/merchant/postservice"], answer);
	return router;
}

/** Some answers of PayU's have its payment id as a number, with more digits than JavaScript's numbers keep. */
function withBareIds(body: unknown): string {
	return JSON.stringify(body).replace(/"#(\d+)"/g, "$1");
}

const commands: Record<string, Command> = {
	verify_payment(context, api_key, vars) {
		const txnids = vars(1).split("|").filter(Boolean);
		if (txnids.length === 0) return refusal("Parameter missing");
		const found = txnids.map((txnid) => {
			const stored = context.store.findOrder(api_key, txnid);
			const payment = stored && tellingPayment(stored);
			return [txnid, stored && payment ? detailsOf(stored, payment) : null] as const;
		});
		const count = found.filter(([, details]) => details !== null).length;
		return {
			status: count > 0 ? 1 : 0,
			msg: `${count} out of ${txnids.length} Transactions Fetched Successfully`,
			transaction_details: Object.fromEntries(
				found.map(([txnid, details]) => [txnid, details ?? { mihpayid: "Not Found", status: "Not Found" }]),
			),
		};
	},
	cancel_refund_transaction: refundPayment,
	check_action_status(context, api_key, vars) {
		if (vars(1) === "") return refusal("Parameter missing");
		return vars(2) === "payuid"
			? actionsOfPayment(context, api_key, vars(1))
			: actionOfRequest(context, api_key, vars(1));
	},
	check_action_status_txnid(context, api_key, vars) {
		return vars(1) === "" ? refusal("Parameter missing") : actionOfRequest(context, api_key, vars(1));
	},
	get_settlement_details(context, api_key, vars) {
		const [wanted, page, size] = [vars(1), Number(vars(2) || 1), Number(vars(3) || REPORT_PAGE)];
		const is_day = /^\d{4}-\d{2}-\d{2}$/.test(wanted);
		if (!is_day && !/^[A-Z0-9]{8,}$/.test(wanted)) {
			return refusal("Please check date format it should be YYYY-MM-DD");
		}
		const details = context.registry.settlement_differences.apply(
			"payu",
			context.store.settledLines(api_key, wanted).map(settledDetails),
			(line, order) => line.requestaction === "capture" && line.txnid === order,
			(line, { amount, fee }) => ({
				...line,
				requestamount: (Number(line.requestamount) + amount / 100).toFixed(2),
				mer_service_fee: (Number(line.mer_service_fee) + fee / 100).toFixed(4),
				mer_net_amount: (Number(line.mer_net_amount) + (amount - fee) / 100).toFixed(4),
			}),
		);
		const lines = details.slice((page - 1) * size, page * size);
		return {
			status: 1,
			msg: `${lines.length} transactions settled on ${wanted}`,
			Txn_details: Object.fromEntries(lines.map((line, index) => [String(index + 1), line])),
		};
	},
	get_settlement_details_range(context, api_key, vars) {
		const from = vars(1);
		const to = vars(2) || from;
		const page = Number(vars(4) || 1);
		const settlements = settlementsBetween(context, api_key, from, to);
		const result = settlements.slice((page - 1) * RANGE_PAGE, page * RANGE_PAGE);
		const message = `${settlements.length} Settlements found for the ${from}T00:00 and ${to}T23:59:59.999999999`;
		return { rows: result.length, message, status: 1, result };
	},
	payment_split: splitPayment,
	get_split_info(context, api_key, vars) {
		const found = context.store.findPayment(api_key, vars(1));
		if (found === undefined) return { status: 0, error_code: "AGG-301", error_desc: "Invalid PayuID" };
		const { splits } = found.stored;
		if (splits.length === 0) {
			return { status: 0, error_code: "AGG-302", error_desc: "Split doesn't exist for this transaction" };
		}
		return {
			status: 1,
			payuId: `#${vars(1)}`,
			splitStatus: "success",
			splits: splits.map((part) => ({ ...part, amount: part.amount / 100 })),
		};
	},
};

function detailsOf({ form }: StoredOrder, payment: Payment) {
	return {
		mihpayid: payment.mihpayid,
		request_id: payment.status === "success" ? payment.request_id : "",
		bank_ref_num: payment.bank_ref_num || null,
		amt: rupees(payment.amount),
		transaction_amount: rupees(payment.amount),
		txnid: form.txnid,
		additional_charges: "0.00",
		productinfo: form.productinfo,
		firstname: form.firstname,
		bankcode: payment.bankcode,
		udf1: form.udf1 ?? "",
		udf2: form.udf2 ?? "",
		udf3: form.udf3 ?? "",
		udf4: form.udf4 ?? "",
		udf5: form.udf5 ?? "",
		field2: null,
		field9: payment.error_Message,
		error_code: payment.error,
		addedon: istTime(payment.added_on),
		payment_source: "payu",
		card_type: null,
		error_Message: payment.error_Message,
		// A number here, text elsewhere.
		net_amount_debit: payment.status === "success" ? payment.amount / 100 : 0,
		disc: "0.00",
		mode: payment.mode,
		PG_TYPE: payment.PG_TYPE,
		card_no: payment.card_no,
		status: payment.status,
		unmappedstatus: payment.unmappedstatus,
		Merchant_UTR: null,
		Settled_At: "0000-00-00 00:00:00",
	};
}

function refundPayment(context: PayuContext, api_key: string, vars: Vars): unknown {
	const [mihpayid, token, asked] = [vars(1), vars(2), vars(3)];
	const refuse = (msg: string, error_code?: string) =>
		refusal(msg, { mihpayid: `#${mihpayid.replace(/\D/g, "") || 0}`, ...(error_code !== undefined && { error_code }) });
	if (token === "") return refuse("token is empty");
	if (asked === "") return refuse("amount is empty");
	if (token.length > MAX_TOKEN_LENGTH) return refuse("token is invalid");
	const found = context.store.findPayment(api_key, mihpayid);
	if (found === undefined) return refuse("transaction not exists", "116");
	if (context.store.knowsToken(api_key, token)) return refuse("token already used or request pending", "106");
	const { stored, payment } = found;
	if (payment !== succeededPayment(stored)) return refuse("Invalid transaction status", "111");
	const amount = /^\d+(\.\d{1,2})?$/.test(asked) ? Math.round(Number(asked) * 100) : 0;
	const refunded = stored.refunds
		.filter(({ status }) => status !== "failure")
		.reduce((sum, refund) => sum + refund.amount, 0);
	if (amount < 1 || amount > payment.amount - refunded) return refuse("Invalid amount", "105");
	if (stored.splits.length > 0 && vars(8) === "") {
		return { status: 236, msg: "Refund Split Info must be of JSON format", mihpayid };
	}
	const refund = context.store.refund(stored, token, amount);
	const account = accountOf(context, stored);
	if (account.refunds === "at_once") {
		context.store.processRefund(stored, payment, refund);
		sendRefundEvent(context.sender, account, stored, payment, refund);
	}
	return {
		status: 1,
		msg: "Refund Request Queued",
		request_id: refund.request_id,
		bank_ref_num: null,
		mihpayid: `#${mihpayid}`,
		error_code: 102,
	};
}

function actionEntry(payment: Payment, refund: Refund | null) {
	return {
		mihpayid: payment.mihpayid,
		bank_ref_num: refund === null ? payment.bank_ref_num : refund.bank_ref_num || null,
		request_id: refund?.request_id ?? payment.request_id,
		amt: rupees(refund?.amount ?? payment.amount),
		mode: payment.mode,
		action: refund === null ? "capture" : "refund",
		token: refund?.token ?? "",
		status: refund?.status ?? "SUCCESS",
		bank_arn: refund?.bank_arn ?? null,
		settlement_id: null,
		amount_settled: null,
		UTR_no: null,
		value_date: null,
		refund_mode: refund === null ? "-" : "Back to Source",
	};
}

function actionsAnswer(id: string, actions: ReturnType<typeof actionEntry>[]) {
	return {
		status: actions.length > 0 ? 1 : 0,
		msg: `${actions.length > 0 ? 1 : 0} out of 1 Transactions Fetched Successfully`,
		transaction_details: {
			[id]:
				actions.length > 0
					? Object.fromEntries(actions.map((action) => [action.request_id, action]))
					: "No action status found",
		},
	};
}

function actionOfRequest({ store }: PayuContext, api_key: string, request_id: string) {
	const found = store.findRefund(request_id);
	const mine = found?.stored.api_key === api_key ? found : undefined;
	return actionsAnswer(request_id, mine === undefined ? [] : [actionEntry(mine.payment, mine.refund)]);
}

function actionsOfPayment({ store }: PayuContext, api_key: string, mihpayid: string) {
	const found = store.findPayment(api_key, mihpayid);
	if (found === undefined || found.payment !== succeededPayment(found.stored)) return actionsAnswer(mihpayid, []);
	const { stored, payment } = found;
	return actionsAnswer(
		mihpayid,
		[null, ...stored.refunds].map((refund) => actionEntry(payment, refund)),
	);
}

/** Fee and tax to a hundredth of a paisa, as PayU states them. */
function settledAmounts({ payment, refund }: SettledLine) {
	const amount = refund?.amount ?? payment.amount;
	const { fee, tax } = refund === null ? chargesOf(amount) : { fee: 0, tax: 0 };
	const precise = (paise: number) => `${rupees(paise)}00`;
	const net = refund === null ? precise(amount - fee - tax) : `-${precise(amount)}`;
	return { amount: rupees(amount), fee: precise(fee), tax: precise(tax), net };
}

function settledDetails(line: SettledLine) {
	const { stored, payment, refund, utr } = line;
	const { amount, fee, tax, net } = settledAmounts(line);
	return {
		payuid: payment.mihpayid,
		txnid: stored.form.txnid,
		txndate: istTime(payment.added_on),
		mode: payment.mode,
		amount: rupees(payment.amount),
		requestid: refund?.request_id ?? payment.request_id,
		requestdate: istTime(refund?.requested_at ?? payment.added_on),
		requestaction: refund === null ? "capture" : "refund",
		requestamount: amount,
		mer_utr: utr,
		mer_service_fee: fee,
		mer_service_tax: tax,
		mer_net_amount: net,
		bank_name: payment.bankcode,
		issuing_bank: "",
		merchant_subvention_amount: "0.00",
		cgst: "0.00000",
		igst: `${tax}0`,
		sgst: "0.00000",
		PG_TYPE: payment.PG_TYPE,
		"Card Type": "",
		token: refund?.token ?? "",
	};
}

function settlementsBetween({ store }: PayuContext, api_key: string, from: string, to: string) {
	const settlements = [];
	for (let day = from; day <= to; day = istDay(Date.parse(`${day}T12:00:00+05:30`) + 86_400_000)) {
		const lines = store.settledLines(api_key, day);
		const [first] = lines;
		if (first === undefined) continue;
		const net = lines.reduce((sum, line) => sum + Number(settledAmounts(line).net), 0);
		settlements.push({
			settlementId: first.settlement_id,
			settlementCompletedDate: istTime(first.settled_at),
			settlementAmount: net.toFixed(2),
			merchantId: api_key,
			utrNumber: first.utr,
			transaction: lines.map((line) => {
				const { amount, fee, tax, net } = settledAmounts(line);
				const { stored, payment, refund } = line;
				return {
					action: refund === null ? "capture" : "refund",
					payuId: payment.mihpayid,
					requestId: refund?.request_id ?? payment.request_id,
					transactionAmount: amount,
					merchantServiceFee: fee,
					merchantServiceTax: tax,
					merchantNetAmount: net,
					merchantTransactionId: stored.form.txnid,
				};
			}),
		});
	}
	return settlements;
}

function splitPayment(context: PayuContext, api_key: string, vars: Vars): unknown {
	const refuse = (error_code: string, error_desc: string) => ({ status: 0, error_code, error_desc });
	let request: { type?: unknown; payuId?: unknown; splitInfo?: Record<string, Record<string, unknown>> };
	try {
		request = JSON.parse(vars(1));
	} catch {
		return refuse("AGG-107", "Invalid split payload in payment request");
	}
	const { type, payuId, splitInfo } = request;
	if (type !== "absolute" || typeof splitInfo !== "object" || splitInfo === null) {
		return refuse("AGG-107", "Invalid split payload in payment request");
	}
	const found = context.store.findPayment(api_key, String(payuId));
	if (found === undefined || found.payment !== succeededPayment(found.stored)) {
		return refuse("AGG-103", "This transaction is not a aggregator flow base transaction");
	}
	if (found.stored.splits.length > 0) return refuse("AGG-104", "Split info already exists for this transaction");
	const parts = readSplits(splitInfo, api_key);
	if (parts.reduce((sum, part) => sum + part.amount, 0) !== found.payment.amount) {
		return refuse("AGG-108", "Total amount provided in split doesn't match the transaction amount");
	}
	found.stored.splits = parts;
	return {
		status: 1,
		message: "Splits creation successful.",
		splitStatus: "success",
		splitSegments: parts.map(({ merchantKey, amount, aggregatorSubTxnId }) => ({
			merchantKey,
			amount: amount / 100,
			subvention_amount: 0,
			txnId: aggregatorSubTxnId,
			additional_charges: 0,
			transaction_fee: amount / 100,
		})),
	};
}
