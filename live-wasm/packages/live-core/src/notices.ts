import type { Notice } from "./binding.js";
import type { Connection } from "./connection.js";
import type { Engine } from "./engine.js";
import type { LiveError } from "./types.js";

/** Codes after which the same channel may be had a little later, and the delay when none was named. */
const TRANSIENT = new Set(["RATE_LIMITED", "BROKER_UNAVAILABLE", "OVERLOADED", "INTERNAL"]);
const ASK_AGAIN_AFTER_MS = 1_000;

/** Acts on what the core noticed in the bytes of a line. */
export function handleNotice(engine: Engine, connection: Connection, notice: Notice): void {
  switch (notice.kind) {
    case "hello":
      connection.greeted(notice.sessionId, notice.heartbeatMs);
      break;
    case "ack":
      acked(engine, notice);
      break;
    case "ackCommand":
      // To an unsubscribe or a ping: nothing waits for it, and the ping's proof is that a frame came.
      break;
    case "error":
      failed(engine, connection, notice);
      break;
    case "resync": {
      const entry = engine.registry.get(notice.channel);
      if (entry) engine.history.restarted(entry);
      break;
    }
    case "behind":
    case "overrun": {
      const entry = engine.registry.get(notice.channel);
      if (entry) engine.renew(entry);
      break;
    }
    case "dropped":
      // The core has counted it, and the channel's continuity says so.
      break;
    case "drain":
      connection.draining(notice.reconnectAfterMs);
      break;
    case "rejected": {
      const { code, field, reason } = notice;
      const message = `an envelope was refused: ${field || "the whole"}: ${reason}`;
      engine.report({ kind: "rejected", code, field, reason, message });
      break;
    }
  }
}

function acked(engine: Engine, notice: Notice & { kind: "ack" }): void {
  engine.subscriptions.answered(notice.id, notice.channel);
  const entry = engine.registry.get(notice.channel);
  if (!entry) return;
  entry.isAcked = true;
  entry.isRefused = false;
  entry.error = null;
  entry.mode = notice.mode;
  engine.touch(entry);
  engine.history.acked(entry, notice.resumed);
}

function failed(engine: Engine, connection: Connection, notice: Notice & { kind: "error" }): void {
  const error: LiveError = { code: notice.code, message: notice.message };
  if (notice.field !== undefined) error.field = notice.field;
  if (notice.reason !== undefined) error.reason = notice.reason;

  let names: string[];
  if (notice.channel) {
    engine.subscriptions.answered(notice.id, notice.channel);
    names = [notice.channel];
  } else names = engine.subscriptions.refused(notice.id);
  const entries = names.map((name) => engine.registry.get(name)).filter((entry) => entry !== undefined);
  if (entries.length === 0) {
    if (notice.id === undefined) connection.complain(error);
    else engine.report({ kind: "rejected", code: error.code, message: error.message });
    return;
  }

  const isTransient = TRANSIENT.has(notice.code);
  for (const entry of entries) {
    engine.subscriptions.lost(entry.name);
    const named = { ...error, channel: entry.name };
    if (isTransient) {
      entry.error = named;
      entry.isAcked = false;
    } else entry.refuse(named);
    engine.touch(entry);
  }
  if (!isTransient) return;
  engine.clock.after(notice.retryAfterMs ?? ASK_AGAIN_AFTER_MS, () => {
    for (const entry of entries) engine.renew(entry);
  });
}
