import type { Notice } from "./binding.js";
import type { Connection } from "./connection.js";
import type { Engine } from "./engine.js";
import type { Entry } from "./entry.js";
import { isFinalCode } from "./final.js";
import type { LiveError } from "./types.js";

/** Delay before the same is asked for again when the gateway names none; it doubles with each refusal. */
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
      // The proof that a ping asks for is that a frame came.
      engine.subscriptions.dropped(notice.id);
      break;
    case "error":
      failed(engine, connection, notice);
      break;
    case "auth":
      if (notice.state === "ok") connection.authenticated();
      else if (notice.state === "expiring") connection.expiring();
      // What is expired or revoked is closed, with its code.
      break;
    case "failed": {
      const entry = engine.registry.get(notice.channel);
      if (!entry) break;
      entry.failure = { seq: notice.seq, error: { ...errorOf(notice), channel: entry.name } };
      engine.touch(entry);
      break;
    }
    case "resync": {
      const entry = engine.registry.get(notice.channel);
      if (!entry) break;
      entry.failure = null;
      engine.history.restarted(entry);
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
  if (!entry.isAcked || !notice.resumed) entry.acks += 1;
  entry.isAcked = true;
  entry.isRefused = false;
  entry.error = null;
  entry.failure = null;
  entry.refusals = 0;
  entry.askNow();
  entry.mode = notice.mode;
  engine.touch(entry);
  engine.history.acked(entry, notice.resumed);
}

function errorOf({ code, message, field, reason }: LiveError): LiveError {
  return {
    code,
    message,
    ...(field === undefined ? {} : { field }),
    ...(reason === undefined ? {} : { reason }),
  };
}

function failed(engine: Engine, connection: Connection, notice: Notice & { kind: "error" }): void {
  const error = errorOf(notice);
  const { id, channel, retryAfterMs } = notice;
  if (engine.subscriptions.keep(id)) {
    // What it was to let go of is still held, and is let go of later.
    engine.report({ kind: "rejected", ...error });
    if (!isFinalCode(error.code)) engine.syncLater(retryAfterMs ?? ASK_AGAIN_AFTER_MS);
    return;
  }
  if (channel) engine.subscriptions.lost(id, channel);
  const names = channel ? [channel] : engine.subscriptions.refused(id);
  const entries = names.map((name) => engine.registry.get(name)).filter((entry) => entry !== undefined);
  for (const entry of entries) {
    refused(engine, entry, { ...error, channel: entry.name }, retryAfterMs);
  }
  if (entries.length > 0) return;
  connection.holdOff(retryAfterMs);
  if (id === undefined) connection.complain(error);
  else engine.report({ kind: "rejected", ...error });
}

/** The channel cannot be had: not at all, or not for a time. */
function refused(engine: Engine, entry: Entry, error: LiveError, retryAfterMs: number | undefined): void {
  entry.askNow();
  if (isFinalCode(error.code)) entry.refuse(error);
  else {
    entry.error = error;
    entry.isAcked = false;
    const delayMs = retryAfterMs ?? Math.min(engine.retry.maxMs, ASK_AGAIN_AFTER_MS * 2 ** entry.refusals);
    entry.refusals += 1;
    entry.cancelRetry = engine.clock.after(delayMs, () => {
      entry.cancelRetry = null;
      engine.renew(entry);
    });
  }
  engine.touch(entry);
  // A poll that names it is answered at once, time and again.
  if (entry.transport === "polling") engine.syncSoon();
}
