"use client";

import type { ChannelName, Staleness } from "@spark/live-core";
import { useChannelHandle } from "./useChannelHandle.js";
import { useReadable } from "./useReadable.js";

const defaults = {};

/** How far a channel's value can be trusted. Holds the channel. */
export function useStaleness(channel: ChannelName): Staleness {
  return useReadable(useChannelHandle(channel, defaults).staleness);
}
