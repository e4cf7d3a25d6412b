const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * The first name that an object in this JSON text (known to be valid) has twice, else null. JSON.parse takes the last of
 * them, other parsers the first: what was signed must not mean two things.
 */
export function findDuplicateKey(text: string): string | null {
	const open: (Set<string> | null)[] = [];
	for (let i = 0; i < text.length; i++) {
		switch (text[i]) {
			case "{":
				open.push(new Set());
				break;
			case "[":
				open.push(null);
				break;
			case "}":
			case "]":
				open.pop();
				break;
			case '"': {
				const start = i;
				const end = closingQuote(text, i);
				i = end;
				const names = open.at(-1);
				if (!names || !isFollowedByColon(text, end)) break;
				const name = nameBetween(text, start, end);
				if (names.has(name)) return name;
				names.add(name);
			}
		}
	}
	return null;
}

function closingQuote(text: string, opening: number): number {
	let i = opening + 1;
	while (text.charCodeAt(i) !== QUOTE) i += text.charCodeAt(i) === BACKSLASH ? 2 : 1;
	return i;
}

function isFollowedByColon(text: string, end: number): boolean {
	let i = end + 1;
	while (text.charCodeAt(i) <= 0x20) i++;
	return text[i] === ":";
}

function nameBetween(text: string, start: number, end: number): string {
	const name = text.slice(start + 1, end);
	return name.includes("\\") ? JSON.parse(text.slice(start, end + 1)) : name;
}
