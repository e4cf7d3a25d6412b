/** The desk for direct UPI: payers' claims, bank statements, and the lines that matched nothing. */
import { createHash } from "node:crypto";
import { ContentTooLargeError, UnsupportedMediaTypeError } from "@directus/errors";
import { MAX_STATEMENT_BYTES, parseBankStatement } from "../../../../../psp/upi/statement.ts";
import { POLICIES } from "../../../../config/policies.ts";
import {
	callDatabase,
	holdsPolicy,
	isUuid,
	itemsOf,
	type Request,
	type Router,
	readBody,
	readId,
	readText,
	refuse,
	type Studio,
} from "./context.ts";
import { addRoute } from "./routes.ts";

const DESK = [POLICIES.operator];

export function addUpiRoutes(router: Router, studio: Studio): void {
	// The claim with what speaks for it: a credit with that UTR on an imported statement.
	addRoute(router, studio, {
		method: "get",
		path: "/utr-claims/:id",
		who: "reader",
		answer: async (req, actor) => {
			const claim = await itemsOf(studio, req, "utr_claims").readOne(readId(req, "utr-claims"), {
				fields: [
					"utr",
					"amount",
					"status",
					"reason",
					"gateway_id.id",
					"gateway_id.name",
					"transaction_id.id",
					"transaction_id.order_id",
					"transaction_id.status",
				],
			});
			const gateway = claim.gateway_id as { id: string; name: string };
			const may_decide = await holdsPolicy(studio, actor, DESK);
			const lines = may_decide
				? await itemsOf(studio, req, "bank_statement_lines").readByQuery({
						filter: { gateway_id: { _eq: gateway.id }, utr: { _eq: claim.utr } },
						fields: ["id", "credited_on", "amount", "payer", "narration", "status"],
						limit: 1,
					})
				: [];
			return { ...claim, may_decide, line: lines[0] ?? null };
		},
	});

	addRoute(router, studio, {
		method: "post",
		path: "/utr-claims/:id/decide",
		who: DESK,
		answer: async (req, actor) => {
			const body = readBody(req);
			if (typeof body.approve !== "boolean") refuse(`"approve" must be true or false`);
			const reason = readText(body, "reason", 500);
			if (!body.approve && reason === null) refuse("Say why it is rejected: the payer's merchant will ask");
			const [row] = await callDatabase(studio, "select public.decide_utr_claim(?::uuid, ?, ?, ?) as decision", [
				readId(req, "utr-claims"),
				body.approve,
				reason,
				actor,
			]);
			return row!.decision;
		},
	});

	// The payments that an open line may have paid: of its gateway and amount, and not paid yet or proven by this very UTR.
	addRoute(router, studio, {
		method: "get",
		path: "/statement-lines/:id",
		who: "reader",
		answer: async (req, actor) => {
			const line = await itemsOf(studio, req, "bank_statement_lines").readOne(readId(req, "statement-lines"), {
				fields: ["amount", "status", "exception", "gateway_id", "utr", "resolution"],
			});
			if (line.status !== "exception") return { ...line, may_decide: false, candidates: [] };
			const may_decide = await holdsPolicy(studio, actor, DESK);
			// A line without a UTR proves nothing.
			const candidates =
				may_decide && line.utr !== null
					? await itemsOf(studio, req, "payment_attempts").readByQuery({
							filter: {
								_and: [
									{ gateway_id: { _eq: line.gateway_id } },
									// Nothing was paid that was never asked for; and an index knows these by gateway.
									{ psp_order_id: { _nnull: true } },
									{ _or: [{ status: { _neq: "succeeded" } }, { bank_reference: { _eq: line.utr } }] },
									{
										_or: [
											{ payable_amount: { _eq: line.amount } },
											{ _and: [{ payable_amount: { _null: true } }, { amount: { _eq: line.amount } }] },
										],
									},
								],
							},
							fields: [
								"id",
								"status",
								"amount",
								"payable_amount",
								"psp_order_id",
								"created_at",
								"transaction_id.order_id",
								"transaction_id.status",
							],
							// In the order of the ids all newer attempts of everybody would be read first.
							sort: ["-created_at"],
							limit: 20,
						})
					: [];
			return { ...line, may_decide, candidates };
		},
	});

	// The file as the bank gave it, in the body.
	addRoute(router, studio, {
		method: "post",
		path: "/gateways/:id/statements",
		who: DESK,
		answer: async (req, actor) => {
			const gateway = readId(req, "gateways");
			const name = String(req.query.file_name ?? "").slice(0, 255);
			if (name.trim() === "") refuse(`"file_name" is needed`);
			const content = await readBytes(req);
			const read = parseBankStatement(content);
			if (read.outcome === "refused") refuse(read.message);
			if (read.credits.length === 0 && read.errors.length === 0) {
				refuse("There is no credit in this file: choose the statement of the days in question");
			}
			const [row] = await callDatabase(
				studio,
				"select public.import_bank_statement(?::uuid, ?, ?, ?::jsonb, ?) as result",
				[gateway, name, createHash("sha256").update(content).digest("hex"), JSON.stringify(read.credits), actor],
			);
			const result = row!.result as { statement_id: string };
			const open_lines = await itemsOf(studio, req, "bank_statement_lines").readByQuery({
				filter: { statement_id: { _eq: result.statement_id }, status: { _eq: "exception" } },
				fields: ["id", "amount", "credited_on", "narration"],
				sort: ["line_no"],
				limit: 50,
			});
			return {
				...result,
				unreadable: read.errors.slice(0, 50).map(({ line_no, message }) => ({ line_no, message })),
				open_lines,
			};
		},
	});

	addRoute(router, studio, {
		method: "post",
		path: "/statement-lines/:id/resolve",
		who: DESK,
		answer: async (req, actor) => {
			const body = readBody(req);
			const attempt = body.attempt_id ?? null;
			// Null: the credit is no payment of ours.
			if (attempt !== null && !isUuid(attempt)) refuse(`"attempt_id" must be the id of an attempt, or null`);
			const reason = readText(body, "reason", 500);
			if (reason === null) refuse("Say why: the next person will want to know");
			const [row] = await callDatabase(studio, "select public.resolve_statement_line(?::uuid, ?::uuid, ?, ?) as line", [
				readId(req, "statement-lines"),
				attempt,
				reason,
				actor,
			]);
			return row!.line;
		},
	});
}

/** Directus reads JSON bodies only; this one is still on the wire. */
function readBytes(req: Request): Promise<Buffer> {
	const { "content-type": mediaType, "content-length": length } = req.headers;
	if (mediaType !== "application/octet-stream") {
		throw new UnsupportedMediaTypeError({ mediaType: String(mediaType), where: "Content-Type header" });
	}
	if (Number(length) > MAX_STATEMENT_BYTES) throw new ContentTooLargeError();
	return new Promise((resolve, reject) => {
		const chunks: Buffer[] = [];
		let size = 0;
		req.on("data", (chunk: Buffer) => {
			size += chunk.length;
			if (size <= MAX_STATEMENT_BYTES) chunks.push(chunk);
			else reject(new ContentTooLargeError());
		});
		req.once("end", () => resolve(Buffer.concat(chunks)));
		req.once("error", reject);
	});
}
