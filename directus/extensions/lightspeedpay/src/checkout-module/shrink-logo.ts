/** Any image the browser can draw, as one small enough for every payer's page; null when it draws none. */
const MOST_BYTES = 32_768;
/** Twice what the page shows, for sharp screens; then smaller until it fits. */
const SIZES = [
	[240, 80],
	[180, 60],
	[120, 40],
] as const;

export async function shrinkLogo(file: Blob): Promise<Blob | null> {
	const address = URL.createObjectURL(file);
	try {
		const image = new Image();
		image.src = address;
		await image.decode();
		// A drawing without a size of its own is as large as one likes.
		const [width, height] = [image.naturalWidth || 240, image.naturalHeight || 80];
		for (const [widest, highest] of SIZES) {
			const scale = Math.min(widest / width, highest / height);
			const canvas = document.createElement("canvas");
			canvas.width = Math.max(1, Math.round(width * scale));
			canvas.height = Math.max(1, Math.round(height * scale));
			const context = canvas.getContext("2d")!;
			context.imageSmoothingQuality = "high";
			context.drawImage(image, 0, 0, canvas.width, canvas.height);
			for (const [type, quality] of [
				["image/png", undefined],
				["image/webp", 0.92],
			] as const) {
				const made = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, type, quality));
				if (made !== null && made.size <= MOST_BYTES) return made;
			}
		}
		return null;
	} catch {
		return null;
	} finally {
		URL.revokeObjectURL(address);
	}
}

export async function asBase64(blob: Blob): Promise<string> {
	const bytes = new Uint8Array(await blob.arrayBuffer());
	return btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ""));
}
