import type { PspErrorCode, PspFailure } from "./adapter.ts";

export function fail(
	outcome: "failed" | "unknown",
	code: PspErrorCode,
	psp_code: string | null,
	message: string,
	http_status: number | null,
	retry_after_seconds: number | null = null,
	raw: unknown = null,
): PspFailure {
	return {
		outcome,
		error: { code, psp_code, message: message.slice(0, 500), http_status, retry_after_seconds },
		raw,
	};
}

/** The beginning of an answer that could not be read, for operators. */
export function excerptOf(body: unknown): string {
	return (typeof body === "string" ? body : (JSON.stringify(body) ?? "")).slice(0, 500);
}
