/**
 * Node's own choice grows the space for new objects to 100 MB on a large machine, of which checkout has little: with ten thousand
 * status streams open it then takes 350 MB in place of 270. docker-compose.yml says the same.
 */
export const CHECKOUT_NODE_OPTIONS = "--max-semi-space-size=16";
