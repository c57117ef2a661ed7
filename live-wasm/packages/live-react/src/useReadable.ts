"use client";

import type { Readable } from "@spark/live-core";
import { useSyncExternalStore } from "react";

const watchNothing = () => () => {};

/** The present value of a readable. While not `enabled` it is not watched and gives its server value. */
export function useReadable<T>(readable: Readable<T>, enabled = true): T {
  return useSyncExternalStore(
    enabled ? readable.subscribe : watchNothing,
    enabled ? readable.get : readable.getServer,
    readable.getServer,
  );
}
