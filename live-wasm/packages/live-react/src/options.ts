"use client";

import type { ChannelOptions } from "@spark/live-core";

/** Options that every channel hook takes. */
export interface LiveHookOptions extends ChannelOptions {
  /** False: holds nothing and returns the pending value. Default true. */
  enabled?: boolean;
}

/** The options a channel is made with: only what was given, so that an absent one keeps its default. */
export function channelOptions(
  maxHz: number | undefined,
  transport: ChannelOptions["transport"],
  lingerMs: number | undefined,
): ChannelOptions {
  return {
    ...(maxHz === undefined ? {} : { maxHz }),
    ...(transport === undefined ? {} : { transport }),
    ...(lingerMs === undefined ? {} : { lingerMs }),
  };
}
