"use client";

import type { HealthState } from "@spark/live-core";
import { useLiveClient } from "./useLiveClient.js";
import { useReadable } from "./useReadable.js";

/** How the gateway's parts are, as of the last few seconds. */
export function useHealth(): HealthState {
  return useReadable(useLiveClient().health());
}
