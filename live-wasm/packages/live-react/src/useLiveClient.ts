"use client";

import type { LiveClient } from "@spark/live-core";
import { useContext } from "react";
import { LiveContext } from "./context.js";

/**
 * The client of the nearest {@link LiveProvider}.
 *
 * @throws when there is none, with a sentence that says what to do.
 */
export function useLiveClient(): LiveClient {
  const client = useContext(LiveContext);
  if (!client) {
    throw new Error(
      "There is no live client here: wrap the component in <LiveProvider client={createLiveClient({ url })}>.",
    );
  }
  return client;
}
