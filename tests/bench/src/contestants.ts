import { z } from "zod";
import { createStore } from "zustand/vanilla";
// The package's own way into its WebAssembly, which its entries do not export.
import type { CoreInstance } from "../../../live-wasm/packages/live-core/src/binding.ts";
import { Core } from "../../../live-wasm/packages/live-core/src/core.ts";
import { instantiate } from "../../../live-wasm/packages/live-core/src/instance.ts";
import { CHANNELS, channelOf, channelsRead, type Round } from "./corpus.ts";

/** One way of taking in a round of envelopes. */
export interface Contestant {
  name: string;
  /**
   * Takes in every window of the round; after each one makes the new values visible and calls `see` with
   * the price and the change in percent of each channel that the page reads, in order.
   */
  run(round: Round, see: (price: number, changePct: number) => void): void;
}

/** The same strictness as the core's: exactly these fields, these types, these ranges. */
const envelopeSchema = z.strictObject({
  v: z.literal(1),
  event: z.literal("price.tick"),
  channel: z
    .string()
    .max(128)
    .regex(/^[A-Za-z0-9_-]+:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/),
  seq: z.int().nonnegative(),
  ts: z.int(),
  ok: z.literal(true),
  errorCode: z.null(),
  data: z.strictObject({
    symbol: z.string(),
    price: z.number(),
    bid: z.number().nullable().optional(),
    ask: z.number().nullable().optional(),
    volume: z.number(),
    change: z.number(),
    changePct: z.number(),
    marketTime: z.int(),
  }),
});
type Tick = z.infer<typeof envelopeSchema>["data"];

const readChannels = channelsRead().map(channelOf);

/** All channels come over one connection. */
const LINK = 0;

/** What the page reads when a channel has had no value yet. */
const NOTHING = Number.NaN;

/** `JSON.parse`, Zod, and one `setState` of a Zustand store for each message. */
function zustand(): Contestant {
  const store = createStore<{ ticks: Record<string, Tick> }>(() => ({ ticks: {} }));
  return {
    name: "JSON.parse + Zod + Zustand, a setState a message",
    run(round, see) {
      for (const window of round.texts) {
        for (const text of window) {
          const { channel, data } = envelopeSchema.parse(JSON.parse(text));
          store.setState((state) => ({ ticks: { ...state.ticks, [channel]: data } }));
        }
        const { ticks } = store.getState();
        for (const name of readChannels)
          see(ticks[name]?.price ?? NOTHING, ticks[name]?.changePct ?? NOTHING);
      }
    },
  };
}

/** `JSON.parse`, Zod, a `Map`, and one notification a frame. */
function map(name: string, linesOf: (round: Round) => Iterable<string[]>): Contestant {
  const ticks = new Map<string, Tick>();
  return {
    name,
    run(round, see) {
      for (const window of linesOf(round)) {
        for (const text of window) {
          const { channel, data } = envelopeSchema.parse(JSON.parse(text));
          ticks.set(channel, data);
        }
        for (const channel of readChannels) {
          const tick = ticks.get(channel);
          see(tick?.price ?? NOTHING, tick?.changePct ?? NOTHING);
        }
      }
    },
  };
}

function* splitFrames(round: Round): Iterable<string[]> {
  for (const frame of round.textFrames) yield frame.split("\n");
}

/** Ours: bytes in, one flush a frame, numbers read out of the core. */
function core(
  name: string,
  instance: CoreInstance,
  framesOf: (round: Round) => Iterable<Uint8Array[]>,
): Contestant {
  const live = new Core(instance);
  const { binding } = live;
  const ids = Array.from({ length: CHANNELS }, (_, index) => binding.open(channelOf(index), LINK));
  const read = channelsRead().map((index) => ids[index] ?? -1);
  binding.linkUp(performance.now(), LINK);
  for (let index = 0; index < CHANNELS; index += 1) ingest(live, ack(channelOf(index)), performance.now());
  return {
    name,
    run(round, see) {
      for (const window of framesOf(round)) {
        let at = 0;
        for (const frame of window) {
          // As the client does: the time of a message is its event's.
          ingest(live, frame, round.events[at]?.timeStamp ?? NOTHING);
          at += 1;
        }
        binding.flush(performance.now());
        binding.changed();
        for (const id of read) {
          const numbers = live.tick(id);
          see(numbers?.[0] ?? NOTHING, numbers?.[5] ?? NOTHING);
        }
      }
    },
  };
}

function* oneFrameAWindow(round: Round): Iterable<Uint8Array[]> {
  for (const frame of round.byteFrames) yield [frame];
}

function ingest(live: Core, frame: Uint8Array, nowMs: number): void {
  live.ingest(frame, "envelopes", nowMs, LINK);
}

function ack(channel: string): Uint8Array {
  const data = {
    channel,
    epoch: "benchmark",
    head: 100_000,
    resumed: false,
    mode: "state",
    maxHz: 20,
    staleAfterMs: 5_000,
  };
  const envelope = {
    v: 1,
    event: "system.ack",
    channel,
    seq: 0,
    ts: 1_700_000_000_000,
    ok: true,
    errorCode: null,
    data,
  };
  return new TextEncoder().encode(JSON.stringify(envelope));
}

/** All of them, each with a store of its own. */
export async function contestants(module: WebAssembly.Module): Promise<Record<string, Contestant>> {
  const make = async () => (await instantiate(module)).core();
  return {
    zustand: zustand(),
    map: map("JSON.parse + Zod + Map, a frame an envelope", (round) => round.texts),
    mapFrames: map("JSON.parse + Zod + Map, a frame a window", splitFrames),
    core: core("Spark Live core, a frame an envelope", await make(), (round) => round.bytes),
    coreFrames: core("Spark Live core, a frame a window", await make(), oneFrameAWindow),
  };
}
