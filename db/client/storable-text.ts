/** What somebody outside sent, as a text that PostgreSQL takes: it has no place for NUL, nor JSON in it for half a surrogate pair. */
export const storableText = (text: string): string => text.toWellFormed().replaceAll("\0", "\ufffd");
