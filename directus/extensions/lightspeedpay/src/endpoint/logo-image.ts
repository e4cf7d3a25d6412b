/** What an uploaded image says of itself; null when it is neither PNG nor WebP. Its pixels are never decoded here. */
export interface LogoImage {
	media_type: "image/png" | "image/webp";
	width: number;
	height: number;
}

export function readLogoImage(bytes: Buffer): LogoImage | null {
	return readPng(bytes) ?? readWebp(bytes);
}

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

function readPng(bytes: Buffer): LogoImage | null {
	if (bytes.length < 33 || !bytes.subarray(0, 8).equals(PNG) || bytes.toString("latin1", 12, 16) !== "IHDR")
		return null;
	return { media_type: "image/png", width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

/** RFC 9649: the size stands in another place for each of the three kinds of the first chunk. */
function readWebp(bytes: Buffer): LogoImage | null {
	if (bytes.length < 30 || bytes.toString("latin1", 0, 4) !== "RIFF" || bytes.toString("latin1", 8, 12) !== "WEBP") {
		return null;
	}
	const media_type = "image/webp";
	switch (bytes.toString("latin1", 12, 16)) {
		case "VP8X":
			return { media_type, width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 };
		case "VP8L": {
			const sizes = bytes.readUInt32LE(21);
			return { media_type, width: (sizes & 0x3fff) + 1, height: ((sizes >> 14) & 0x3fff) + 1 };
		}
		case "VP8 ":
			return { media_type, width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff };
		default:
			return null;
	}
}
