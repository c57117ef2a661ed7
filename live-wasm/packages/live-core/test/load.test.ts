import { describe, expect, it } from "vitest";
import { setUp, until } from "./harness.js";

// A file of its own, since the module is compiled once for all clients of a page.

describe("a module that cannot be loaded", () => {
  it("is an error of the link, and tried again", async () => {
    let attempts = 0;
    const { client, clock } = setUp({}, () => {
      attempts += 1;
      return Promise.reject(new Error("no WebAssembly here"));
    });
    client.channel("price:AAPL").subscribe(() => {});
    await until(() => client.link.get().status === "disconnected", "the failure");
    expect(client.link.get().error).toEqual({ code: "CORE_UNAVAILABLE", message: "no WebAssembly here" });
    expect(client.link.get().retryAt).toBe(clock.wallNow() + 250);
    clock.advance(250);
    await until(() => attempts === 2, "another attempt");
    client.close();
  });
});
