import type { Core, Head } from "./core.js";
import { type Entry, PENDING, STALENESS_PENDING } from "./entry.js";
import { toSeries } from "./series.js";
import type { CandleSeries, Price, Snap, Staleness } from "./types.js";

/** Whoever has the core: undefined when there is none to ask, or when it trapped while it was asked. */
export interface CoreReader {
  read<T>(run: (core: Core) => T): T | undefined;
}

/** The channel's value as of its version; the same object until the version moves. */
export function snapOf(reader: CoreReader, entry: Entry, limit: number): Snap<unknown> {
  const view = entry.views.get(limit) ?? { version: -1, snap: entry.initial };
  if (view.version === entry.version) return view.snap;
  const fresh = reader.read((core) => readSnap(core, entry, limit, view.snap));
  view.snap = fresh ?? readSnap(null, entry, limit, view.snap);
  view.version = entry.version;
  entry.views.set(limit, view);
  return view.snap;
}

/** How far the value can be trusted as of its version, with its age at the last flush. */
export function stalenessOf(reader: CoreReader, entry: Entry, flushedAtMs: number): Staleness {
  const last = entry.staleness;
  if (last.version === entry.version) return last.value;
  const head = reader.read((core) => headOf(core, entry));
  const ageMs = ageAt(entry, flushedAtMs);
  const value: Staleness = head
    ? { freshness: head.freshness, cause: head.cause, ageMs }
    : ageMs === null
      ? STALENESS_PENDING
      : { freshness: "disconnected", cause: "transport", ageMs };
  entry.staleness = { version: entry.version, value };
  return value;
}

/** Age of the value at that moment, in milliseconds, also without a core; null before the first. */
export function ageOf(reader: CoreReader, entry: Entry, nowMs: number): number | null {
  reader.read((core) => headOf(core, entry));
  return ageAt(entry, nowMs);
}

function ageAt({ bornMs }: Entry, nowMs: number): number | null {
  return bornMs === null ? null : Math.max(0, nowMs - bornMs);
}

/** Reads what is known about the value, and keeps of it what outlives the core. Null when there is nothing to ask. */
function headOf(core: Core | null, entry: Entry): Head | null {
  if (!core || entry.id < 0) return null;
  const head = core.head(entry.id);
  if (head.hasValue) {
    entry.bornMs = head.bornMs;
    entry.isOrphan = false;
    if (entry.failure && head.seq > entry.failure.seq) entry.failure = null;
  } else if (entry.isOrphan) return null;
  else entry.bornMs = null;
  return head;
}

/** Reads a channel's value anew. Objects of the last reading are kept where nothing in them differs. */
function readSnap(core: Core | null, entry: Entry, limit: number, last: Snap<unknown>): Snap<unknown> {
  const head = headOf(core, entry);
  const error = entry.error ?? entry.failure?.error ?? entry.historyError;
  if (!core || !head) return keep(last, error);
  // What a server rendered stands until there is something newer; nobody has judged it here.
  if (!head.hasValue && entry.initial.value !== undefined) return { ...entry.initial, error };
  const isSame = head.hasValue && head.seq === last.seq && head.ts === last.ts;
  const value = readValue(core, entry, limit, last.value, isSame);
  const { seq, ts, freshness, cause, continuity } = head;
  const isSameGap = head.gap?.from === last.gap?.from && head.gap?.to === last.gap?.to;
  const gap = isSameGap ? last.gap : head.gap;
  return { value, freshness, continuity, gap, cause, seq, ts, error };
}

/** The last value while there is no core to ask, or it has none yet. */
function keep(last: Snap<unknown>, error: Snap<unknown>["error"]): Snap<unknown> {
  if (last.value === undefined) return error ? { ...PENDING, error } : PENDING;
  if (last.freshness === "pending") return error ? { ...last, error } : last;
  return { ...last, freshness: "disconnected", cause: "transport", error };
}

function readValue(core: Core, entry: Entry, limit: number, last: unknown, isSame: boolean): unknown {
  switch (entry.kind) {
    case "price":
      return isSame ? last : readPrice(core, entry);
    case "candles": {
      const { rows, hasHistory } = core.bars(entry.id, limit);
      if (rows.length === 0) return undefined;
      return toSeries(entry.name, rows, hasHistory, last as CandleSeries | undefined);
    }
    case "json": {
      if (isSame) return last;
      const text = core.binding.readData(entry.id);
      if (text === undefined) return undefined;
      const value = JSON.parse(text) as { confirmationToken?: unknown } | null;
      // What confirms is for whoever listens, and is kept nowhere.
      if (entry.name.startsWith("copilot:")) delete value?.confirmationToken;
      return value;
    }
  }
}

function readPrice(core: Core, entry: Entry): Price | undefined {
  const n = core.tick(entry.id);
  if (!n) return undefined;
  const number = (at: number) => n[at] ?? Number.NaN;
  const optional = (at: number) => (Number.isNaN(number(at)) ? null : number(at));
  return {
    symbol: entry.symbol,
    price: number(0),
    bid: optional(1),
    ask: optional(2),
    volume: number(3),
    change: number(4),
    changePct: number(5),
    marketTime: number(6),
  };
}
