"use client";

import type { ChannelName, DataOf, Snap } from "@spark/live-core";
import type { LiveHookOptions } from "./options.js";
import { useChannelHandle } from "./useChannelHandle.js";
import { useReadable } from "./useReadable.js";

/** The newest value of any channel, by name. */
export function useChannel<K extends ChannelName>(name: K, options: LiveHookOptions = {}): Snap<DataOf<K>> {
  return useReadable(useChannelHandle(name, options), options.enabled);
}
