/** What is downloaded with the first conversation or proposal. */
export { Conversation } from "./conversation.js";
export { Proposals } from "./proposals.js";
