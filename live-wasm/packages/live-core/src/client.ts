import { candlesOf, channelOf } from "./channel.js";
import { lazyCopilot } from "./copilot/lazy.js";
import { Engine } from "./engine.js";
import { healthOf } from "./health.js";
import { dehydrate } from "./hydrate.js";
import { lazyJobs } from "./jobs/lazy.js";
import type { Dehydrated, LiveClient, LiveClientOptions, LiveStats } from "./types.js";
import type { ModuleSource } from "./wasm.js";

/** Makes a client whose module comes from `source`. Does nothing else until something is watched. */
export function createClient(options: LiveClientOptions, source: ModuleSource): LiveClient {
  const engine = new Engine(options, source);
  const health = healthOf(engine);
  return {
    link: engine.link,
    channel: (name, channelOptions = {}) => channelOf(engine, name, channelOptions),
    candles: (symbol, interval, candleOptions = {}) => candlesOf(engine, symbol, interval, candleOptions),
    symbols: () => engine.symbols,
    health: () => health,
    ...lazyJobs(engine),
    ...lazyCopilot(engine),
    dehydrate: () => dehydrated(engine),
    stats: () => stats(engine),
    close: () => engine.close(),
  };
}

const NO_COUNTS = { merged: 0, dropped: 0, gaps: 0, delivered: 0, effectiveHz: null, maxHz: null };

function dehydrated(engine: Engine): Dehydrated {
  const channels: Dehydrated["channels"] = {};
  for (const entry of engine.registry.all()) {
    const value = dehydrate(engine.snap(entry.name, entry.historyLimit()));
    if (value) channels[entry.name] = value;
  }
  return { v: 1, channels };
}

function stats(engine: Engine): LiveStats {
  return {
    ...engine.coreCounters(),
    ...engine.counts,
    historyRequests: engine.history.requests,
    channels: [...engine.registry.all()].map((entry) => {
      const { freshness, seq } = engine.snap(entry.name, [...entry.views.keys()][0] ?? 0);
      const { name: channel, mode, transport } = entry;
      const counts = engine.channelCounts(entry) ?? NO_COUNTS;
      return { channel, mode, freshness, subscribers: entry.holds.size, seq, transport, ...counts };
    }),
  };
}
