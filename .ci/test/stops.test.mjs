import assert from "node:assert/strict";
import { test } from "node:test";
import { stopSignals } from "../lib/stops.mjs";

/** What is sent on for signals that arrive at these times, in milliseconds. */
function sent(...arrivals) {
  const toSend = stopSignals();
  return arrivals.map(([signal, nowMs]) => toSend(signal, nowMs));
}

test("one press of Ctrl-C that arrives twice is one", () => {
  assert.deepEqual(sent(["SIGINT", 1_000], ["SIGINT", 1_002], ["SIGINT", 1_500]), ["SIGINT", null, null]);
});

test("a second press stops at once", () => {
  assert.deepEqual(sent(["SIGINT", 1_000], ["SIGINT", 1_001], ["SIGINT", 1_501]), [
    "SIGINT",
    null,
    "SIGKILL",
  ]);
});

test("Ctrl-C long after another signal stops at once too", () => {
  assert.deepEqual(sent(["SIGTERM", 0], ["SIGINT", 200], ["SIGINT", 9_000]), ["SIGTERM", null, "SIGKILL"]);
});

test("a supervisor's signal is passed on as often as it comes", () => {
  assert.deepEqual(sent(["SIGTERM", 0], ["SIGTERM", 900]), ["SIGTERM", "SIGTERM"]);
});
