import { expect, test } from "vitest";
import { keptAddress, readAddress, withAddress } from "../src/lib/address";

test("an address without a query is the default transport and no symbol", () => {
  expect(readAddress("")).toEqual({ symbol: null, interval: null, transport: "websocket", copilot: null });
});

test("an unknown transport is the default one", () => {
  expect(readAddress("?transport=pigeon").transport).toBe("websocket");
});

test("what is written is read back", () => {
  const search = withAddress("?a=1", {
    symbol: "BRK.B",
    interval: "5m",
    transport: "sse",
    copilot: "chat-1",
  });
  expect(readAddress(search)).toEqual({
    symbol: "BRK.B",
    interval: "5m",
    transport: "sse",
    copilot: "chat-1",
  });
  expect(readAddress(withAddress("", { transport: "polling" })).transport).toBe("polling");
  expect(search).toContain("a=1");
});

test("the default transport leaves no trace", () => {
  expect(withAddress("?transport=sse", { transport: "websocket" })).toBe("");
});

test("a link keeps what was chosen, says what it says itself, and takes nothing else along", () => {
  const here = "?symbol=IBM&transport=sse&copilot=chat-1&again=job_0&other=1";
  expect(keptAddress("/status", here)).toBe("/status?symbol=IBM&transport=sse&copilot=chat-1");
  expect(keptAddress("/backtests?again=job_1", "?interval=1w")).toBe("/backtests?interval=1w&again=job_1");
  expect(keptAddress("/status", "")).toBe("/status");
});
