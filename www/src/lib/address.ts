import type { Transport } from "@spark/live-core";

/**
 * What the page's address says: `?symbol=AAPL` is the selected symbol, `?interval=5m` the length of the chart's bars,
 * `?transport=sse` the transport, `?copilot=…` the conversation. They survive a reload and can be sent to somebody else.
 */
export interface AddressState {
  symbol: string | null;
  interval: string | null;
  transport: Transport;
  /** The conversation with the copilot. */
  copilot: string | null;
}

/** The transport that the page asks for when the address names none, or one it does not know. */
export const DEFAULT_TRANSPORT: Transport = "websocket";

const TRANSPORTS: readonly Transport[] = ["websocket", "sse", "polling"];

/** The transport of that name, or the default one. */
export function transportOf(name: string | null): Transport {
  return TRANSPORTS.find((transport) => transport === name) ?? DEFAULT_TRANSPORT;
}

/** Reads the query part of an address. */
export function readAddress(search: string): AddressState {
  const query = new URLSearchParams(search);
  return {
    symbol: query.get("symbol"),
    interval: query.get("interval"),
    transport: transportOf(query.get("transport")),
    copilot: query.get("copilot"),
  };
}

/** The query part with some of it changed; what it does not know is left as it is. */
export function withAddress(search: string, change: Partial<AddressState>): string {
  const query = new URLSearchParams(search);
  if (change.symbol !== undefined) setOrDelete(query, "symbol", change.symbol);
  if (change.interval !== undefined) setOrDelete(query, "interval", change.interval);
  if (change.transport !== undefined) {
    setOrDelete(query, "transport", change.transport === DEFAULT_TRANSPORT ? null : change.transport);
  }
  if (change.copilot !== undefined) setOrDelete(query, "copilot", change.copilot);
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

/** A link within the page with what an address says beside it, where the link does not say otherwise. */
export function keptAddress(href: string, search: string): string {
  const [path = "", own = ""] = href.split("?");
  const kept = withAddress("", readAddress(search));
  const query = new URLSearchParams(kept);
  for (const [name, value] of new URLSearchParams(own)) query.set(name, value);
  const text = query.toString();
  return text === "" ? path : `${path}?${text}`;
}

/** Writes a change into the address bar without a new entry in the history. */
export function replaceAddress(change: Partial<AddressState>): void {
  const { pathname, search, hash } = window.location;
  const next = withAddress(search, change);
  if (next !== search) window.history.replaceState(null, "", `${pathname}${next}${hash}`);
}

function setOrDelete(query: URLSearchParams, name: string, value: string | null): void {
  if (value === null) query.delete(name);
  else query.set(name, value);
}
