import { expect, it } from "vitest";
import { Core } from "../src/core.js";
import { compileInline } from "../src/inline.js";
import { createCore } from "../src/wasm.js";
import { ack, bar, hello, page, tick } from "./harness.js";

it("the module's memory does not grow with the rounds", async () => {
  const instance = await createCore(compileInline);
  const core = new Core(instance);
  const encoder = new TextEncoder();
  const names = Array.from({ length: 50 }, (_, at) => `S${at}`);
  const feed = (...envelopes: object[]) =>
    core.ingest(
      encoder.encode(envelopes.map((envelope) => JSON.stringify(envelope)).join("\n")),
      "envelopes",
      now,
      0,
    );
  const history = encoder.encode(
    JSON.stringify(
      page(
        "S0",
        Array.from({ length: 500 }, (_, day) => day * 86_400_000),
      ),
    ),
  );
  let now = 0;

  const round = () => {
    now += 1_000;
    core.binding.linkUp(now, 0);
    feed(hello());
    const channels = names.flatMap((name) => [`price:${name}`, `candles:${name}.1d`]);
    const ids = channels.map((name) => core.binding.open(name, 0));
    feed(...channels.map((name) => ack(name)));
    core.notices(2);
    for (let seq = 1; seq <= 20; seq += 1) {
      feed(
        ...names.map((name) => tick(name, seq, seq)),
        ...names.map((name) => bar(name, seq, 86_400_000 * 600, seq)),
      );
      now += 16;
      core.binding.flush(now);
      core.binding.changed();
      for (const id of ids) {
        core.head(id);
        core.tick(id);
        core.bars(id, 100);
        core.binding.readData(id);
      }
    }
    feed(ack("candles:S0.1d"));
    core.historyPage(core.binding.open("candles:S0.1d", 0), history);
    feed({ v: 2 });
    core.notices(2);
    core.counters();
    expect(() => core.binding.open("no channel", 0)).toThrow();
    core.binding.linkDown(0);
    core.binding.flush(now);
    for (const id of ids) core.binding.forget(id);
  };

  for (let warmUp = 0; warmUp < 3; warmUp += 1) round();
  const before = instance.memory.buffer.byteLength;
  for (let rounds = 0; rounds < 60; rounds += 1) round();
  expect(instance.memory.buffer.byteLength).toBe(before);
  core.binding.free();
});
