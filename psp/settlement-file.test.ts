import { describe, expect, it } from "vitest";
import { type FileRow, paiseOf, readSettlementFile, SettlementFileError } from "./settlement-file.ts";

async function read(provider: string, text: string, chunk = 17): Promise<FileRow[]> {
	const bytes = Buffer.from(text);
	async function* parts() {
		for (let start = 0; start < bytes.length; start += chunk) yield bytes.subarray(start, start + chunk);
	}
	const rows: FileRow[] = [];
	for await (const row of readSettlementFile(provider, parts())) rows.push(row);
	return rows;
}

const linesOf = (rows: FileRow[]) => rows.map((row) => ("line" in row ? row.line : row.problem));

describe("a settlement file", () => {
	it("of Razorpay: rupees, the fee without tax, refunds by their payment, unknown columns kept, the payer's not", async () => {
		const rows = await read(
			"razorpay",
			`\uFEFFtransaction_entity,entity_id,amount,currency,fee (exclusive tax),tax,debit,credit,payment_method,arn,payment_notes,order_id,settlement_id,settled_at,settlement_utr,payment_id,settled_by
payment,pay_1,"1,000.00",INR,20.00,3.60,0.00,976.40,upi,ARN9,{"email":"a@b"},order_1,setl_1,21/11/2026 10:00:00,UTR1,,Razorpay
refund,rfnd_1,100.00,INR,0,0,100.00,0,upi,,,order_1,setl_1,2026-11-21T10:00:00,UTR1,pay_1,Razorpay
reserve_hold,rh_1,5.00,INR,0,0,5.00,0,,,,,setl_1,21/11/2026 10:00:00,UTR1,,
payment,pay_1,"1,000.00",INR,20.00,3.60,0.00,976.40,upi,ARN9,,order_1,setl_1,21/11/2026 10:00:00,UTR1,,Razorpay
payment,pay_2,ten,INR,20.00,3.60,0.00,976.40,upi,,,order_1,setl_1,21/11/2026 10:00:00,UTR1,,
`,
		);
		expect(linesOf(rows)).toMatchObject([
			{
				kind: "payment",
				psp_id: "pay_1",
				psp_payment_id: "pay_1",
				psp_order_id: "order_1",
				psp_settlement_id: "setl_1",
				amount: 100_000,
				credit: 97_640,
				debit: 0,
				fee: 2_360,
				tax: 360,
				utr: "UTR1",
				settled_at: new Date("2026-11-21T04:30:00Z"),
				occurrence: 1,
				details: { arn: "ARN9", settled_by: "Razorpay" },
			},
			{ kind: "refund", psp_id: "rfnd_1", psp_payment_id: "pay_1", credit: 0, debit: 10_000, fee: 0 },
			{ kind: "other", psp_kind: "reserve_hold", debit: 500 },
			{ psp_id: "pay_1", occurrence: 2 },
			"“ten” is no amount",
		]);
		expect(rows[0]).toMatchObject({
			line_no: 2,
			line: { details: expect.not.objectContaining({ payment_notes: expect.anything() }) },
		});
	});

	it("of Cashfree: the summary above is passed over, the direction is a word, a refund costs nothing", async () => {
		const rows = await read(
			"cashfree",
			`ID,Total Transaction Amount,Settlement Amount,UTR No.,Settlement Date
43,200.00,145.37,CF99,2026-11-20 12:00:00

Event ID,Event Type,Sale Type,Event Currency,Event Amount,Event Settlement Amount,Settlement Date,UTR,Merchant Reference ID,Cashfree Reference ID,Customer Name,Transaction Service Charge,Txn ST/GST
9,PAYMENT,CREDIT,INR,200.00,195.87,2026-11-20 12:00:00,CF99,order-1,5114,Asha,3.50,0.63
77,REFUND,DEBIT,INR,50.50,-50.50,2026-11-20 12:00:00,CF99,order-1,5114,Asha,3.50,0.63
`,
		);
		expect(linesOf(rows)).toMatchObject([
			{
				kind: "payment",
				psp_id: "5114",
				psp_payment_id: "5114",
				psp_order_id: "order-1",
				credit: 19_587,
				fee: 413,
				tax: 63,
			},
			{ kind: "refund", psp_id: "77", psp_payment_id: "5114", credit: 0, debit: 5_050, fee: 0, tax: 0 },
		]);
		expect(JSON.stringify(rows)).not.toContain("Asha");
	});

	it("of PayU, PhonePe and Stripe: each with its own way of stating fees", async () => {
		const payu = await read(
			"payu",
			`PayU ID,Merchant Txn ID,Requested Action,Request ID,Amount,Amount(Net),Total Processing Fees,Total Service Tax,Merchant UTR,Settlement Date
137,T1,capture,1,119.80,117.5564,1.9013,0.3423,N22,20-11-2026
137,T1,refund,95,40.00,-40.0000,0,0,N22,20-11-2026
`,
		);
		expect(linesOf(payu)).toMatchObject([
			{
				kind: "payment",
				psp_id: "137",
				psp_payment_id: "137",
				psp_order_id: "T1",
				amount: 11_980,
				credit: 11_756,
				fee: 224,
				tax: 34,
				utr: "N22",
			},
			{ kind: "refund", psp_id: "95", psp_payment_id: "137", credit: 0, debit: 4_000 },
		]);
		const phonepe = await read(
			"phonepe",
			`PaymentType,MerchantReferenceId,PhonePeReferenceId,From,Instrument,CreationDate,TransactionDate,SettlementDate,BankReferenceNo,Amount,Fee,IGST,CGST,SGST
PAYMENT,0193,T26,9198,UPI,20-11-2026,20-11-2026,21-11-2026,YESB1,100.00,-2.00,-0.36,0.00,0.00
REFUND,0194,R26,9198,UPI,20-11-2026,20-11-2026,21-11-2026,YESB1,-30.00,0.00,0.00,0.00,0.00
`,
		);
		expect(linesOf(phonepe)).toMatchObject([
			{ kind: "payment", psp_id: "T26", reference: "0193", amount: 10_000, credit: 9_764, debit: 0, fee: 236, tax: 36 },
			{ kind: "refund", psp_id: "R26", amount: 3_000, credit: 0, debit: 3_000 },
		]);
		const stripe = await read(
			"stripe",
			`automatic_payout_id,automatic_payout_effective_at_utc,balance_transaction_id,currency,gross,fee,net,reporting_category,source_id,payment_intent_id
po_1,2026-11-23 00:00:00,txn_1,inr,499.00,11.78,487.22,charge,ch_1,pi_1
po_1,2026-11-23 00:00:00,txn_2,inr,-120.00,0.00,-120.00,refund,re_1,pi_1
`,
		);
		expect(linesOf(stripe)).toMatchObject([
			{
				kind: "payment",
				psp_id: "ch_1",
				psp_payment_id: "pi_1",
				credit: 48_722,
				fee: 1_178,
				currency: "INR",
				settled_at: new Date("2026-11-23T00:00:00Z"),
			},
			{ kind: "refund", psp_id: "re_1", amount: 12_000, debit: 12_000, credit: 0 },
		]);
	});

	it("of another kind is refused with what to do", async () => {
		await expect(read("razorpay", "a,b\n1,2\n")).rejects.toThrow(SettlementFileError);
		await expect(read("upi", "a,b\n1,2\n")).rejects.toThrow(/no settlement file/);
	});

	it("has amounts to the paisa", () => {
		expect(["1,00,000.50", "-3.996", "(12)", "₹ 5", "", "1.2.3", "12,"].map(paiseOf)).toEqual([
			10_000_050,
			-400,
			-1_200,
			500,
			0,
			null,
			null,
		]);
	});
});
