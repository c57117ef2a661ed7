/** Time, timers and chance, so that a test can run on time of its own. */
export interface Clock {
  /** Milliseconds that never go back, from any origin. */
  now(): number;
  /**
   * What {@link now} was when the event with this `timeStamp` happened, which costs less than to look again
   * for each message. Left out where events bear another clock's time.
   */
  eventTime?(timeStamp: number): number;
  /** Milliseconds since the Unix epoch, as far as this machine knows. */
  wallNow(): number;
  /** A number of [0, 1). */
  random(): number;
  /** Calls back once after `delayMs`, and returns the function that prevents it. */
  after(delayMs: number, callback: () => void): () => void;
  /** Calls back before the next frame is drawn; null where nothing is drawn. Returns what prevents it. */
  frame: ((callback: () => void) => () => void) | null;
}

/** The longest delay that timers take; beyond it they fire at once. */
const MAX_DELAY_MS = 2_147_483_647;

/** The clock of the page, worker or process that this runs in. */
export function systemClock(): Clock {
  const hasFrames = typeof requestAnimationFrame === "function";
  return {
    now: () => performance.now(),
    eventTime: (timeStamp) => timeStamp,
    wallNow: () => Date.now(),
    random: () => Math.random(),
    after(delayMs, callback) {
      const timer = setTimeout(callback, Math.min(Math.max(0, delayMs), MAX_DELAY_MS));
      return () => clearTimeout(timer);
    },
    frame: hasFrames
      ? (callback) => {
          const request = requestAnimationFrame(callback);
          return () => cancelAnimationFrame(request);
        }
      : null,
  };
}
