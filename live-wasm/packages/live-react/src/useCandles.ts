"use client";

import type { CandleSeries, Interval, Snap } from "@spark/live-core";
import { useMemo } from "react";
import { channelOptions, type LiveHookOptions } from "./options.js";
import { useLiveClient } from "./useLiveClient.js";
import { useReadable } from "./useReadable.js";

/** Bars of a symbol: history, and the live bar at its end. `limit` is the newest bars to hold, default 500. */
export function useCandles(
  symbol: string,
  interval: Interval,
  options: LiveHookOptions & { limit?: number } = {},
): Snap<CandleSeries> {
  const client = useLiveClient();
  const { limit, maxHz, transport, lingerMs } = options;
  const candles = useMemo(
    () =>
      client.candles(symbol, interval, {
        ...channelOptions(maxHz, transport, lingerMs),
        ...(limit === undefined ? {} : { limit }),
      }),
    [client, symbol, interval, limit, maxHz, transport, lingerMs],
  );
  return useReadable(candles, options.enabled);
}
