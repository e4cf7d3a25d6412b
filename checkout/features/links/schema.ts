import { z } from "zod";

/** Null where no link can have such a code. */
export const linkCode = z
	.string()
	.regex(/^[a-z0-9]{16,32}$/)
	.nullable()
	.catch(null);
