import { failureText, readRefusal } from "../answer.js";
import type { TransportEvents, TransportLink, TransportRequest } from "./transport.js";

/**
 * Opens an event stream with `fetch`, so that it arrives as bytes and its status can be read. The bytes
 * are handed over as they come, cut anywhere.
 */
export function openSse(request: TransportRequest, events: TransportEvents): TransportLink {
  const url = new URL("api/live/sse", request.base);
  url.searchParams.set("channels", request.channels.map(({ name }) => name).join(","));
  const abort = new AbortController();

  const closed = (status: number | null, reason: string) => {
    if (abort.signal.aborted) return;
    abort.abort();
    events.closed({ code: null, status, reason });
  };
  void read(url, abort.signal, events).then(
    ({ status, reason }) => closed(status, reason),
    (error: unknown) => closed(null, failureText(error)),
  );
  return { send: () => false, close: () => abort.abort() };
}

/** Reads the stream to its end. Returns the status of an answer that was none, and why it ended. */
async function read(
  url: URL,
  signal: AbortSignal,
  events: TransportEvents,
): Promise<{ status: number | null; reason: string }> {
  const response = await fetch(url, { signal, headers: { accept: "text/event-stream" }, cache: "no-store" });
  const type = response.headers.get("content-type") ?? "";
  if (!response.ok) {
    const body = new Uint8Array(await response.arrayBuffer());
    const refusal = type.startsWith("application/json") ? readRefusal(body) : null;
    if (refusal && !signal.aborted) events.chunk(body, "envelopes");
    return {
      status: response.status,
      reason: refusal?.code ?? `the gateway answered ${response.status}`,
    };
  }
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
