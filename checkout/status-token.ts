export { createStatusToken } from "../db/client/status-token.ts";
