import { candlesOf, channelOf } from "./channel.js";
import { Engine } from "./engine.js";
import type { LiveClient, LiveClientOptions, LiveStats } from "./types.js";
import type { ModuleSource } from "./wasm.js";

/** Makes a client whose module comes from `source`. Does nothing else until something is watched. */
export function createClient(options: LiveClientOptions, source: ModuleSource): LiveClient {
  const engine = new Engine(options, source);
  return {
    link: engine.link,
    channel: (name, channelOptions = {}) => channelOf(engine, name, channelOptions),
    candles: (symbol, interval, candleOptions = {}) => candlesOf(engine, symbol, interval, candleOptions),
    symbols: () => engine.symbols,
    stats: () => stats(engine),
    close: () => engine.close(),
  };
}

function stats(engine: Engine): LiveStats {
  return {
    ...engine.coreCounters(),
    ...engine.counts,
    historyRequests: engine.history.requests,
    channels: [...engine.registry.all()].map((entry) => {
      const { freshness, seq } = engine.snap(entry.name, [...entry.views.keys()][0] ?? 0);
      const { name: channel, mode, transport } = entry;
      return { channel, mode, freshness, subscribers: entry.holds.size, seq, transport };
    }),
  };
}
