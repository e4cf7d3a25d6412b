/** Throws with the tool's output when the bundle does not build. Answers whether it had to be built. */
export function buildExtensions(): boolean;
