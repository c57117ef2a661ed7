// What the signals that a person or a supervisor sends mean for the gateway.

/** One press of Ctrl-C may arrive twice: from the terminal, and passed on by npm. Milliseconds. */
const SAME_PRESS_MS = 500;

/**
 * Tells what to send on for each signal that arrives: the first as it is, and SIGKILL for Ctrl-C when it
 * comes again later than a second copy of the same press would.
 *
 * @returns {(signal: NodeJS.Signals, nowMs: number) => NodeJS.Signals | null} null: nothing; `nowMs` is of
 *   a clock that only goes forward
 */
export function stopSignals() {
  let firstMs = null;
  return (signal, nowMs) => {
    if (firstMs === null) {
      firstMs = nowMs;
      return signal;
    }
    if (signal !== "SIGINT") return signal;
    return nowMs - firstMs > SAME_PRESS_MS ? "SIGKILL" : null;
  };
}
