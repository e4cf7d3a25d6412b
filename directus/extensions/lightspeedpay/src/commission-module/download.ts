/** Hands the person a file that was put together here. */
export function download(name: string, type: string, parts: BlobPart[]): void {
	const url = URL.createObjectURL(new Blob(parts, { type }));
	const link = Object.assign(document.createElement("a"), { href: url, download: name });
	link.click();
	setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
