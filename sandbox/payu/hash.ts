import { createHash, timingSafeEqual } from "node:crypto";
import type { Account } from "../registry.ts";

export type Fields = Record<string, string>;

const sha512 = (text: string) => createHash("sha512").update(text).digest("hex");

/** The hash of a merchant's form, as PayU expects it. */
export function formHash({ api_key, api_secret }: Account, form: Fields): string {
	const value = (name: string) => form[name] ?? "";
	const named = ["txnid", "amount", "productinfo", "firstname", "email", "udf1", "udf2", "udf3", "udf4", "udf5"];
	const text = `${api_key}|${named.map(value).join("|")}||||||${api_secret}`;
	return sha512(form.splitRequest === undefined ? text : `${text}|${form.splitRequest}`);
}

/** The hash of what PayU says about a payment: the form's the other way round, the status in it. */
export function responseHash(api_key: string, salt: string, fields: Fields): string {
	const value = (name: string) => fields[name] ?? "";
	const named = ["udf5", "udf4", "udf3", "udf2", "udf1", "email", "firstname", "productinfo", "amount", "txnid"];
	const split = fields.splitInfo === undefined ? "" : `|${fields.splitInfo}`;
	const text = `${salt}|${value("status")}${split}||||||${named.map(value).join("|")}|${api_key}`;
	return sha512(fields.additionalCharges === undefined ? text : `${fields.additionalCharges}|${text}`);
}

export function apiHash({ api_key, api_secret }: Account, command: string, var1: string): string {
	return sha512(`${api_key}|${command}|${var1}|${api_secret}`);
}

export function sameHash(expected: string, given: string | undefined): boolean {
	const left = Buffer.from(expected);
	const right = Buffer.from((given ?? "").toLowerCase());
	return left.length === right.length && timingSafeEqual(left, right);
}
