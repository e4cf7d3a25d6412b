import { describe, expect, it } from "vitest";
import { readLogoImage } from "./logo-image.ts";

const png = Buffer.from(
	"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
	"base64",
);
const webp = (kind: string, body: number[]) =>
	Buffer.concat([
		Buffer.from("RIFF\0\0\0\0WEBP"),
		Buffer.from(kind),
		Buffer.from([0, 0, 0, 0, ...body]),
		Buffer.alloc(16),
	]);

describe("an uploaded logo", () => {
	it.each([
		["PNG", png, "image/png", 1, 1],
		["WebP, extended", webp("VP8X", [0, 0, 0, 0, 0x3f, 1, 0, 0x9f, 0, 0]), "image/webp", 320, 160],
		["WebP, lossless", webp("VP8L", [0x2f, 0x3f, 0xc1, 0x27, 0]), "image/webp", 320, 160],
		["WebP, lossy", webp("VP8 ", [0, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 1, 0xa0, 0]), "image/webp", 320, 160],
	])("is read as %s, with its size", (_name, bytes, media_type, width, height) => {
		expect(readLogoImage(bytes)).toEqual({ media_type, width, height });
	});

	it("tells how large a small file unfolds", () => {
		const bomb = Buffer.from(png);
		bomb.writeUInt32BE(30_000, 16);
		expect(readLogoImage(bomb)?.width).toBe(30_000);
	});

	it.each([
		["SVG", Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)],
		["HTML", Buffer.from(`<!doctype html><script>alert(1)</script>${" ".repeat(40)}`)],
		["JPEG", Buffer.from([0xff, 0xd8, 0xff, 0xe0, ...Array(40).fill(0)])],
		["a beginning alone", png.subarray(0, 20)],
		["nothing", Buffer.alloc(0)],
	])("is refused as %s", (_name, bytes) => {
		expect(readLogoImage(bytes)).toBeNull();
	});
});
