"use client";

import type { ChannelName } from "@spark/live-core";
import { useMemo } from "react";
import { useChannelHandle } from "./useChannelHandle.js";
import { useReadable } from "./useReadable.js";

const defaults = {};

/**
 * Milliseconds since a channel's value's own time, its `ts` brought to this machine's clock, renewed every
 * `everyMs`; NaN before the first value. Holds the channel.
 */
export function useAge(channel: ChannelName, everyMs = 1_000): number {
  const handle = useChannelHandle(channel, defaults);
  return useReadable(useMemo(() => handle.age(everyMs), [handle, everyMs])) ?? Number.NaN;
}
