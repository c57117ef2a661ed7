import { useEffect } from "react";
import { useLocation, useSearch } from "wouter";
import { type AddressState, replaceAddress } from "../lib/address";

/** Keeps in the address what was chosen: links to views, and the way back, know nothing of it. */
export function useKeptAddress(chosen: Partial<AddressState>): void {
  const [path] = useLocation();
  const search = useSearch();
  const { symbol, interval, transport, copilot } = chosen;
  // biome-ignore lint/correctness/useExhaustiveDependencies: looked at anew when the address has changed
  useEffect(() => {
    replaceAddress({
      ...(symbol !== undefined && { symbol }),
      ...(interval !== undefined && { interval }),
      ...(transport !== undefined && { transport }),
      ...(copilot !== undefined && { copilot }),
    });
  }, [path, search, symbol, interval, transport, copilot]);
}
