import { readRefusal, retryAfterMsOf } from "../answer.js";
import type { TransportClose, TransportEvents, TransportRequest } from "./transport.js";

/** Address of a stream or a poll of the channels, from where they stand; `isNext`: of a poll after the first. */
export function addressOf(
  door: "sse" | "poll",
  { base, channels, cursor }: TransportRequest,
  isNext = false,
): URL {
  const url = new URL(`api/live/${door}`, base);
  url.searchParams.set("channels", channels.map(({ name }) => name).join(","));
  const rates = channels.filter(({ maxHz }) => maxHz !== null).map(({ name, maxHz }) => `${name}@${maxHz}`);
  if (rates.length > 0) url.searchParams.set("maxHz", rates.join(","));
  // A first answer is the proof that there is a line, which the gateway would hold back where all is quiet.
  if (door === "poll" && !isNext) url.searchParams.set("wait", "0");
  const position = cursor(isNext);
  if (position !== "") url.searchParams.set("cursor", position);
  return url;
}

/** Why an answer, or what should have been one, ended. */
export type Ending = Omit<TransportClose, "code">;

/** Reads an answer that is a refusal, and hands it on when it is the gateway's own. */
export async function refused(
  response: Response,
  signal: AbortSignal,
  events: TransportEvents,
): Promise<Ending> {
  const body = new Uint8Array(await response.arrayBuffer());
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  const refusal = isJson ? readRefusal(body) : null;
  if (refusal && !signal.aborted) events.chunk(body, "envelopes");
  const { status, headers } = response;
  const reason = refusal?.code ?? `the gateway answered ${status}`;
  return { status, reason, retryAfterMs: retryAfterMsOf(headers) };
}
