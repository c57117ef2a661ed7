import type { SymbolList } from "@spark/live-core";
import { useState } from "react";

/**
 * The names of the symbols that are served, in the gateway's order: the same array as long as the names are, so that a
 * list which says nothing new of them renders nothing.
 */
export function useSymbolNames(list: SymbolList | undefined): readonly string[] {
  const [kept, setKept] = useState<readonly string[]>([]);
  const names = list ? list.symbols.map(({ symbol }) => symbol) : [];
  const isSame = names.length === kept.length && names.every((name, index) => name === kept[index]);
  if (isSame) return kept;
  setKept(names);
  return names;
}
