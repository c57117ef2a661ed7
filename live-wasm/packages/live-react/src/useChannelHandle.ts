"use client";

import type { Channel, ChannelName, DataOf } from "@spark/live-core";
import { useMemo } from "react";
import { channelOptions, type LiveHookOptions } from "./options.js";
import { useLiveClient } from "./useLiveClient.js";

/** The channel of that name, the same object while the name and the options are equal. */
export function useChannelHandle<K extends ChannelName>(
  name: K,
  options: LiveHookOptions,
): Channel<DataOf<K>> {
  const client = useLiveClient();
  const { maxHz, transport, lingerMs } = options;
  return useMemo(
    () => client.channel(name, channelOptions(maxHz, transport, lingerMs)),
    [client, name, maxHz, transport, lingerMs],
  );
}
