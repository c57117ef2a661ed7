"use client";

import type { Job, PagedRows } from "@spark/live-core";
import { useMemo } from "react";
import { useLiveClient } from "./useLiveClient.js";
import { useReadable } from "./useReadable.js";

/**
 * One's own jobs in pages of `limit`, 1 to 200, default 50, from the newest on, as they stood when they were asked for:
 * `refresh()` asks again, and {@link useJob} follows the one that a row shows.
 */
export function useJobs({ limit }: { limit?: number } = {}): PagedRows<Job> {
  const client = useLiveClient();
  return useReadable(useMemo(() => client.jobs(limit === undefined ? {} : { limit }), [client, limit]));
}
