import { failureText } from "../answer.js";
import { addressOf, type Ending, refused } from "./http.js";
import type { TransportEvents, TransportLink, TransportRequest } from "./transport.js";

/** From one question to the next that is the same, in milliseconds: the answer had nothing to go on from. */
const SAME_AGAIN_MS = 1_000;

/**
 * Asks again and again: each answer brings what was published since the one before, and the gateway holds
 * it back until there is something to say.
 */
export function openPolling(request: TransportRequest, events: TransportEvents): TransportLink {
  const abort = new AbortController();
  const closed = (why: Ending) => {
    if (abort.signal.aborted) return;
    abort.abort();
    events.closed({ code: null, ...why });
  };
  void poll(request, abort.signal, events).then(closed, (error: unknown) =>
    closed({ status: null, reason: failureText(error) }),
  );
  return { send: () => false, close: () => abort.abort() };
}

/** Polls until it is refused. Returns the status of an answer that was none, and why it ended. */
async function poll(
  request: TransportRequest,
  signal: AbortSignal,
  events: TransportEvents,
): Promise<Ending> {
  let last = "";
  let askedAt = 0;
  for (let isOpen = false; ; isOpen = true) {
    const { href } = addressOf("poll", request, isOpen);
    if (href === last) await sleep(askedAt + SAME_AGAIN_MS - performance.now());
    last = href;
    askedAt = performance.now();
    const response = await fetch(href, {
      signal,
      headers: request.headers(),
      cache: "no-store",
    });
    if (!response.ok) return refused(response, signal, events);
    if (!response.headers.get("content-type")?.startsWith("application/json")) {
      await response.body?.cancel();
      return { status: null, reason: "the answer is no page of envelopes" };
    }
    const page = new Uint8Array(await response.arrayBuffer());
    if (!isOpen && !signal.aborted) events.opened();
    if (!signal.aborted) events.chunk(page, "page");
    if (signal.aborted) return { status: null, reason: "" };
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
