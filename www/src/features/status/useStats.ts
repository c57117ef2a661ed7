import type { ChannelName, Continuity, LiveClient, LiveStats } from "@spark/live-core";
import { useLiveClient } from "@spark/live-react";
import { useEffect, useState } from "react";

/** How often the counters are read. */
const EVERY_MS = 1_000;

/** The counters of a client at a moment. */
export interface Reading {
  client: LiveClient;
  stats: LiveStats;
  at: number;
  /** Envelopes a second since the reading before, by channel; of one that was not read before there is none. */
  rates: ReadonlyMap<string, number>;
  /** Whether something of a channel may have been missed, by channel. */
  continuity: ReadonlyMap<string, Continuity>;
}

/** The counters, read once a second. Another client, of another transport, begins anew. */
export function useStats(): Reading {
  const client = useLiveClient();
  const [reading, setReading] = useState(() => read(client, null));
  useEffect(() => {
    const timer = setInterval(() => setReading((last) => read(client, last)), EVERY_MS);
    return () => clearInterval(timer);
  }, [client]);
  if (reading.client === client) return reading;
  const fresh = read(client, null);
  setReading(fresh);
  return fresh;
}

function read(client: LiveClient, last: Reading | null): Reading {
  const [stats, at] = [client.stats(), Date.now()];
  const before = new Map(
    last?.client === client ? last.stats.channels.map(({ channel, delivered }) => [channel, delivered]) : [],
  );
  const rates = new Map<string, number>();
  const continuity = new Map<string, Continuity>();
  for (const { channel, delivered } of stats.channels) {
    const earlier = before.get(channel);
    if (last && earlier !== undefined)
      rates.set(channel, (1_000 * (delivered - earlier)) / Math.max(1, at - last.at));
    continuity.set(channel, client.channel(channel as ChannelName).get().continuity);
  }
  return { client, stats, at, rates, continuity };
}
