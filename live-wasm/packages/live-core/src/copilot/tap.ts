import type { Engine } from "../engine.js";
import type { Entry, Tap } from "../entry.js";
import type { Envelope } from "../envelope.js";

/**
 * Tells every envelope of a held channel from its beginning, also where somebody else listens to it already, who is not
 * told again. Returns what ends it.
 */
export function tapFromStart(
  engine: Engine,
  entry: Entry,
  call: (envelope: Envelope<unknown>) => void,
): () => void {
  const others = [...entry.taps];
  // The first of all hears it from its beginning anyway.
  if (others.length === 0) return engine.tap(entry, call);
  // What has come by now is told before it is told again.
  engine.flush();
  const { seq, ts } = engine.snap(entry.name, 0);
  for (const other of others) skipUntil(other, seq, ts);
  const untap = engine.tap(entry, call);
  const isOver = engine.read(({ binding }) => {
    if (entry.id < 0) return false;
    // The core tells nothing twice; one that begins has told nothing.
    binding.tap(entry.id, false);
    binding.tap(entry.id, true);
    return binding.startOver(entry.id);
  });
  if (isOver) engine.renew(entry);
  return untap;
}

/** What is of another history is younger, whatever its `seq`. */
function skipUntil(tap: Tap, seq: number, ts: number): void {
  tap.whole ??= tap.call;
  const { whole } = tap;
  tap.call = (envelope) => {
    if (envelope.seq > seq || envelope.ts > ts) whole(envelope);
  };
}
