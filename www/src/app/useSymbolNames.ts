import type { SymbolList } from "@spark/live-core";
import { useMemo } from "react";

/** The names of the symbols that are served, in the gateway's order. */
export function useSymbolNames(list: SymbolList | undefined): readonly string[] {
  return useMemo(() => (list ? list.symbols.map(({ symbol }) => symbol) : []), [list]);
}
