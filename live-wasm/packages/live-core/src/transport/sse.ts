import { failureText } from "../answer.js";
import { addressOf, type Ending, refused } from "./http.js";
import type { TransportEvents, TransportLink, TransportRequest } from "./transport.js";

/**
 * Opens an event stream with `fetch`, so that it arrives as bytes and its status can be read. The bytes
 * are handed over as they come, cut anywhere.
 */
export function openSse(request: TransportRequest, events: TransportEvents): TransportLink {
  const abort = new AbortController();

  const closed = (why: Ending) => {
    if (abort.signal.aborted) return;
    abort.abort();
    events.closed({ code: null, ...why });
  };
  void read(request, abort.signal, events).then(closed, (error: unknown) =>
    closed({ status: null, reason: failureText(error) }),
  );
  return { send: () => false, close: () => abort.abort() };
}

/** Reads the stream to its end. Returns the status of an answer that was none, and why it ended. */
async function read(
  request: TransportRequest,
  signal: AbortSignal,
  events: TransportEvents,
): Promise<Ending> {
  const headers = { ...request.headers(), accept: "text/event-stream" };
  const response = await fetch(addressOf("sse", request), { signal, headers, cache: "no-store" });
  const type = response.headers.get("content-type") ?? "";
  if (!response.ok) return refused(response, signal, events);
  if (!type.startsWith("text/event-stream") || !response.body) {
    await response.body?.cancel();
    return { status: null, reason: "the answer is no event stream" };
  }
  if (!signal.aborted) events.opened();
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { status: null, reason: "the stream ended" };
    if (signal.aborted) return { status: null, reason: "" };
    events.chunk(value, "event-stream");
  }
}
