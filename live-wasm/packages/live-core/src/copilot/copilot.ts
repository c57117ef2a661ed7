/** What is downloaded with the first conversation or proposal. */
export { Copilot } from "./sessions.js";
