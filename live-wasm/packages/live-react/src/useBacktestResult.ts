"use client";

import type { PagedRows, Readable, ResultPart, ResultRows } from "@spark/live-core";
import { useMemo } from "react";
import { noRows } from "./still.js";
import { useLiveClient } from "./useLiveClient.js";
import { useReadable } from "./useReadable.js";

/**
 * A part of a backtest's result in pages of `limit` rows, 1 to 5,000, default 1,000. The first comes by itself, at once or
 * when the job is done; the next with `loadMore()`. A table that is scrolled to any place reads `row(index)` and calls
 * `loadMore(index + 1)`. Without an id it is `idle` and nothing is asked.
 */
export function useBacktestResult<K extends ResultPart>(
  jobId: string | null,
  part: K,
  { limit }: { limit?: number } = {},
): PagedRows<ResultRows[K]> {
  const client = useLiveClient();
  const result = useMemo<Readable<PagedRows<ResultRows[K]>>>(
    () => (jobId ? client.backtestResult(jobId, part, limit === undefined ? {} : { limit }) : noRows),
    [client, jobId, part, limit],
  );
  return useReadable(result);
}
