import type { LinkState } from "@spark/live-core";
import { expect, test } from "vitest";
import { linkAnnouncement, linkWords } from "../src/features/status/linkWords";
import { livenessWords } from "../src/lib/liveness";

const LINK: LinkState = {
  status: "connected",
  transport: "websocket",
  since: 0,
  attempt: 0,
  retryAt: null,
  sessionId: null,
  error: null,
};

test.each([
  [{ status: "connected" }, "Connected", ""],
  [{ status: "connecting" }, "Connecting…", ""],
  [{ status: "connecting", attempt: 2 }, "Disconnected", "try 3 now"],
  [{ status: "disconnected", attempt: 3, retryAt: 10_400 }, "Disconnected", "try 4 in 10 s"],
  [{ status: "disconnected", attempt: 3, retryAt: 100 }, "Disconnected", "try 4 in 0 s"],
  [{ status: "closed" }, "Closed", ""],
  [{ status: "idle" }, "Idle", "nothing to watch"],
] as const)("a link of %o reads %s %s", (change, label, detail) => {
  expect(linkWords({ ...LINK, ...change }, "ready", 1_000)).toMatchObject({ label, detail });
});

test("while no line is asked for, the list of symbols speaks for the gateway", () => {
  expect(linkWords({ ...LINK, status: "idle" }, "pending", 0).label).toBe("Connecting…");
  expect(linkWords({ ...LINK, status: "idle" }, "error", 0).label).toBe("Disconnected");
});

test("loss and return are told once, attempts are not", () => {
  expect(linkAnnouncement("good", "bad")).toMatch(/lost/);
  expect(linkAnnouncement("bad", "bad")).toBeNull();
  expect(linkAnnouncement("bad", "good")).toMatch(/again/);
  expect(linkAnnouncement("waiting", "good")).toBe("Connected.");
});

test.each([
  ["stale", "source", "the feed is silent"],
  ["stale", "transport", "the gateway is silent"],
  ["stale", "broker", "the gateway doubts its feed"],
  ["fresh", null, ""],
  ["disconnected", "transport", "last known prices"],
] as const)("%s by %s is explained", (freshness, cause, detail) => {
  expect(livenessWords(freshness, cause).detail).toBe(detail);
});
