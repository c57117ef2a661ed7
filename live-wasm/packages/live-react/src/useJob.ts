"use client";

import type { JobState, Readable } from "@spark/live-core";
import { useMemo } from "react";
import { channelOptions, type LiveHookOptions } from "./options.js";
import { always } from "./still.js";
import { useLiveClient } from "./useLiveClient.js";
import { useReadable } from "./useReadable.js";

const idle: Readable<JobState<never>> = always({
  status: "idle",
  job: undefined,
  error: null,
  isEnded: false,
  updates: "none",
});

/**
 * How a job stands, followed to its end. `P` is the type of its parameters. Without an id, or while not `enabled`, it is
 * `idle` and nothing is asked. To end a job: `useLiveClient().job(id).cancel()`.
 */
export function useJob<P = unknown>(id: string | null, options: LiveHookOptions = {}): JobState<P> {
  const client = useLiveClient();
  const { maxHz, transport, lingerMs, enabled = true } = options;
  const job = useMemo<Readable<JobState<P>>>(
    () => (id && enabled ? client.job<P>(id, channelOptions(maxHz, transport, lingerMs)) : idle),
    [client, id, enabled, maxHz, transport, lingerMs],
  );
  return useReadable(job);
}
