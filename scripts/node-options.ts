/**
 * For checkout and for workers. Node's own choice grows the space for new objects to 100 MB on a large machine, of which they have
 * little: with ten thousand status streams open checkout then takes 350 MB in place of 270, and a worker at 100 payments a second
 * 440 in place of 270. docker-compose.yml says the same.
 */
export const NODE_OPTIONS = "--max-semi-space-size=16";
