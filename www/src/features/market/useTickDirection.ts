import { useState } from "react";

/** Where the last move of a price went; `flat` before the first. */
export type TickDirection = "up" | "down" | "flat";

interface Seen {
  symbol: string;
  price: number | undefined;
  direction: TickDirection;
}

/** Remembers whether the newest different price was above or below the one before it. */
export function useTickDirection(symbol: string, price: number | undefined): TickDirection {
  const [seen, setSeen] = useState<Seen>({ symbol, price, direction: "flat" });
  if (seen.symbol === symbol && seen.price === price) return seen.direction;
  const next: Seen = { symbol, price, direction: directionFrom(seen, symbol, price) };
  setSeen(next);
  return next.direction;
}

function directionFrom(seen: Seen, symbol: string, price: number | undefined): TickDirection {
  if (seen.symbol !== symbol || seen.price === undefined || price === undefined) return "flat";
  return price > seen.price ? "up" : "down";
}
