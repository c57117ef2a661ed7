"use client";

import type { SymbolsState } from "@spark/live-core";
import { useLiveClient } from "./useLiveClient.js";
import { useReadable } from "./useReadable.js";

/** The symbols that the gateway serves, and how the last attempt to get them went. */
export function useSymbols(): SymbolsState {
  return useReadable(useLiveClient().symbols());
}
