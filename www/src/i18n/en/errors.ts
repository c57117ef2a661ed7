/** What each code means to somebody who did not write it. */
export default {
  view: {
    title: "Error codes",
    intro: "Every refusal has a code. This is what each of them means, and what can be done.",
    filter: "Search codes and words",
    none: "No code matches “{{text}}”.",
    unknown: "There is no code {{code}}",
    unknownText: "It may come from a newer gateway than this page.",
    all: "All codes",
    happened: "What happened",
    todo: "What to do",
    facts: "For developers",
    http: "HTTP status",
    close: "Close code of the WebSocket",
    retry: "When to try again",
    noHttp: "answers no request",
    noClose: "closes no connection",
    own: "of this page, not of the gateway",
    retries: {
      never: "not without a change",
      backoff: "later, each time after a longer pause",
      now: "at once",
      after_auth: "with a new sign-in",
      snapshot: "from the present values",
    },
    link: "What does {{code}} mean?",
    field: "Field: {{field}}",
  },
  codes: {
    BAD_ENVELOPE: {
      title: "A message breaks the protocol",
      what: "A message did not have the form that both ends have agreed on, and was left out.",
      todo: "This is a fault of a program. Whoever publishes the message can mend it.",
    },
    UNSUPPORTED_VERSION: {
      title: "Another version of the protocol",
      what: "The page and the gateway speak different versions of the protocol.",
      todo: "Reload the page. If that does not help, the gateway has to be updated.",
    },
    BAD_REQUEST: {
      title: "A request was not understood",
      what: "The gateway could not make sense of what it was asked.",
      todo: "This is a fault of the page. Reload it; if it stays, report it.",
    },
    NOT_FOUND: {
      title: "There is nothing here",
      what: "What was asked for does not exist, or is somebody else’s.",
      todo: "Check the address, or begin from the market.",
    },
    UNAUTHENTICATED: {
      title: "Nobody is signed in",
      what: "The gateway wants to know who asks, and was not told.",
      todo: "Sign in, or reload the page.",
    },
    SUBJECT_MISMATCH: {
      title: "Another person has signed in",
      what: "A connection goes on only for the person who opened it.",
      todo: "Reload the page to go on as the new person.",
    },
    AUTH_EXPIRED: {
      title: "The sign-in has ended",
      what: "The proof of who you are is past its time.",
      todo: "The page renews it by itself. If it stays, sign in again.",
    },
    AUTH_REVOKED: {
      title: "The sign-in was taken back",
      what: "Somebody has ended this session.",
      todo: "Sign in again.",
    },
    FORBIDDEN: {
      title: "This is not allowed",
      what: "You are signed in, but may not do this.",
      todo: "Ask whoever runs the gateway for the right to.",
    },
    CHANNEL_UNKNOWN: {
      title: "There is no such channel",
      what: "Nothing is published under that name, or not for you.",
      todo: "Choose another symbol or interval.",
    },
    CHANNEL_INVALID: {
      title: "That is no name of a channel",
      what: "The text is not a channel’s name.",
      todo: "This is a fault of the page. Report it.",
    },
    SUBSCRIPTION_LIMIT: {
      title: "Too many channels at once",
      what: "This connection watches as many channels as it may.",
      todo: "Close other views of the page.",
    },
    CONNECTION_LIMIT: {
      title: "Too many connections",
      what: "You, your network or the gateway has as many connections as allowed.",
      todo: "The page tries again by itself. Closing other tabs helps.",
    },
    RATE_LIMITED: {
      title: "Too much in too short a time",
      what: "More was asked than is allowed in that time.",
      todo: "Wait a moment, then try again.",
    },
    CURSOR_EXPIRED: {
      title: "Too long away",
      what: "What happened meanwhile is no longer held.",
      todo: "Nothing to do: the page begins from the present values.",
    },
    EPOCH_CHANGED: {
      title: "The history begins anew",
      what: "The gateway was started anew and holds another history.",
      todo: "Nothing to do: the page begins from the present values.",
    },
    CURSOR_INVALID: {
      title: "That position is not known",
      what: "The place in a list or channel is none of this one.",
      todo: "Load the list again.",
    },
    CONTINUITY_UNKNOWN: {
      title: "Something may have been missed",
      what: "The gateway cannot prove that nothing was lost.",
      todo: "Nothing to do: the page begins from the present values.",
    },
    RESYNC_FAILED: {
      title: "Not back in step yet",
      what: "A channel could not be brought back in step.",
      todo: "The page tries again by itself.",
    },
    SLOW_CONSUMER: {
      title: "This page reads too slowly",
      what: "More arrived than the page could take in.",
      todo: "The page connects again by itself. Close what slows the machine down.",
    },
    PING_TIMEOUT: {
      title: "The page did not answer in time",
      what: "The line was silent for too long.",
      todo: "The page connects again by itself.",
    },
    BROKER_UNAVAILABLE: {
      title: "The gateway is cut off",
      what: "The gateway has lost its own link to what distributes the data.",
      todo: "The page tries again by itself. Whoever runs the gateway should look.",
    },
    OVERLOADED: {
      title: "The gateway is busy",
      what: "The gateway takes no more work for now.",
      todo: "The page tries again by itself.",
    },
    DRAINING: {
      title: "The gateway is being restarted",
      what: "This gateway is about to stop, and another takes over.",
      todo: "Nothing to do: the page moves by itself.",
    },
    PAYLOAD_TOO_LARGE: {
      title: "That is too large",
      what: "What was sent is larger than allowed.",
      todo: "Send less at once.",
    },
    IDEMPOTENCY_KEY_INVALID: {
      title: "A key is malformed",
      what: "The key under which a request may be repeated is not one.",
      todo: "This is a fault of a program. Report it.",
    },
    IDEMPOTENCY_MISMATCH: {
      title: "A key was used before",
      what: "The key under which a request may be repeated stands for another request.",
      todo: "This is a fault of a program. Report it.",
    },
    PARAMS_INVALID: {
      title: "Something is filled in wrongly",
      what: "A value is missing, unknown or out of range.",
      todo: "Correct the field that is named, then try again.",
    },
    HEADER_TIMEOUT: {
      title: "The request came too slowly",
      what: "Its beginning did not arrive in time.",
      todo: "Try again; the network may be slow.",
    },
    BODY_TIMEOUT: {
      title: "The request came too slowly",
      what: "It did not arrive whole in time.",
      todo: "Try again; the network may be slow.",
    },
    RANGE_INVALID: {
      title: "That part does not exist",
      what: "The file has no such range of bytes.",
      todo: "Download it from the beginning.",
    },
    TOKEN_INVALID: {
      title: "This confirmation is not valid",
      what: "It was never issued here, or was taken back since.",
      todo: "Have it proposed again, and confirm the new card.",
    },
    TOKEN_USED: {
      title: "This was confirmed already",
      what: "A confirmation counts once, so that nothing runs twice. This one has already started its backtest.",
      todo: "Open the backtest that it has started. To run it once more, have it proposed again.",
    },
    TOKEN_EXPIRED: {
      title: "The time to confirm has passed",
      what: "A proposal can be confirmed for a few minutes only, since prices and data move on. Nothing was started.",
      todo: "Propose it again, look at it, and confirm the new card.",
    },
    TOKEN_MISMATCH: {
      title: "This confirmation is for something else",
      what: "It was issued to another person, or for something else.",
      todo: "Have it proposed again in your own session.",
    },
    PROPOSAL_LIMIT: {
      title: "Too many proposals",
      what: "Too many proposals wait for you, or were made lately.",
      todo: "Confirm or let go of some, wait a moment, then try again.",
    },
    CONFIRM_REFUSED: {
      title: "Things have changed since",
      what: "What was true when this was proposed is not any more. Nothing was started.",
      todo: "Have it proposed again.",
    },
    CONFIRM_NOT_HUMAN: {
      title: "Only a person can confirm",
      what: "The copilot may propose and never confirm.",
      todo: "Confirm it yourself on the card.",
    },
    TOOL_UNKNOWN: {
      title: "There is no such tool",
      what: "Something was asked for that the gateway cannot do.",
      todo: "Ask for something else.",
    },
    MODEL_UNAVAILABLE: {
      title: "The language model does not answer",
      what: "The copilot’s language model cannot be reached, or wants to be asked later.",
      todo: "Wait a moment, then ask again.",
    },
    MODEL_FAILED: {
      title: "The language model failed",
      what: "What the copilot’s language model has answered cannot be used.",
      todo: "Ask again, perhaps in other words.",
    },
    JOB_NOT_FOUND: {
      title: "There is no such backtest",
      what: "It does not exist, is no longer kept, or is somebody else’s.",
      todo: "Look in the list of your backtests.",
    },
    JOB_LIMIT: {
      title: "Too many backtests at once",
      what: "As many of your backtests wait or run as may.",
      todo: "Wait until one has ended, or cancel one.",
    },
    JOB_FAILED: {
      title: "The backtest failed",
      what: "It ended without a result. The reason stands beside it.",
      todo: "Change the parameters that are named, and run it again.",
    },
    JOB_CANCELLED: {
      title: "The backtest was cancelled",
      what: "It was ended before it was done.",
      todo: "Run it again if you want its result.",
    },
    JOB_TIMEOUT: {
      title: "The backtest took too long",
      what: "It ran longer than a backtest may.",
      todo: "Choose fewer combinations or a shorter time.",
    },
    JOB_POISONED: {
      title: "The backtest broke what runs it",
      what: "It was tried several times, and each time its worker ended.",
      todo: "Whoever runs the gateway should look.",
    },
    RESULT_NOT_READY: {
      title: "The result is not there yet",
      what: "The backtest has not ended.",
      todo: "Wait until it is done.",
    },
    RESULT_EXPIRED: {
      title: "The result is no longer kept",
      what: "Results are kept for a time only.",
      todo: "Run the backtest again: the same parameters give the same result.",
    },
    RESULT_CORRUPT: {
      title: "The stored result is damaged",
      what: "It is not what was written, and is therefore not shown.",
      todo: "Run the backtest again, and tell whoever runs the gateway.",
    },
    LINK_INVALID: {
      title: "This link is not valid",
      what: "It was not signed here, or is for something else.",
      todo: "Ask for a new link on the page of the backtest.",
    },
    LINK_EXPIRED: {
      title: "This link has ended",
      what: "A link for a download is good for some minutes.",
      todo: "Ask for a new link on the page of the backtest.",
    },
    STORE_UNAVAILABLE: {
      title: "A store cannot be reached",
      what: "The gateway does not reach what it keeps its records in. Nothing was started.",
      todo: "Wait a moment, then try again.",
    },
    STORAGE_UNAVAILABLE: {
      title: "The results cannot be reached",
      what: "The gateway does not reach what it keeps results in.",
      todo: "Wait a moment, then try again.",
    },
    INTERNAL: {
      title: "Something went wrong inside",
      what: "The gateway made a mistake. Its log knows more.",
      todo: "Try again. If it stays, tell whoever runs the gateway.",
    },
    NETWORK: {
      title: "The gateway cannot be reached",
      what: "No answer came back over the network.",
      todo: "Check the connection; the page tries again by itself.",
    },
    CORE_RESTARTED: {
      title: "The page has started its core anew",
      what: "What decides in this page had stopped, and was started again.",
      todo: "Nothing to do. If it happens often, report it.",
    },
    CORE_UNAVAILABLE: {
      title: "The page cannot start its core",
      what: "WebAssembly, which the page needs, is forbidden or missing here.",
      todo: "Use a current browser, or allow WebAssembly.",
    },
  },
} as const;
