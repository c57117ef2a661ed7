import { defaultRangeExtractor, useVirtualizer } from "@tanstack/react-virtual";
import type { RefObject } from "react";
import { remPx } from "../../lib/rem";

/** Up to so many symbols all rows are there; a connection has room for two channels of each. */
const ROWS_MAX = 40;
/** Rows that are kept ready above and below those in view. */
const OVERSCAN = 4;
/** Height of a row in rem, as in the style sheet. */
const ROW_REM = 3.75;

/** A row that is there. */
export interface PlacedRow {
  index: number;
  /** Where it begins in a list of which only a part is there, in pixels; null where rows follow one another. */
  top: number | null;
}

/** The rows of a list that are there, and what they need around them. */
export interface Rows {
  placed: PlacedRow[];
  /** Height of all rows in pixels; undefined where they are all there. */
  height: number | undefined;
  /** Scrolls the list, and nothing around it, just so far that a row is in view. */
  reveal: (index: number) => void;
}

/** Which rows of a list of `count` are there: all of a short one, those in view and row `kept` of a long one. */
export function useRows(box: RefObject<HTMLElement | null>, count: number, kept: number): Rows {
  const isLong = count > ROWS_MAX;
  const virtual = useVirtualizer({
    count,
    enabled: isLong,
    getScrollElement: () => box.current,
    estimateSize: rowPx,
    overscan: OVERSCAN,
    rangeExtractor: (range) => {
      const inView = defaultRangeExtractor(range);
      if (kept < 0 || kept >= count || inView.includes(kept)) return inView;
      return [...inView, kept].sort((a, b) => a - b);
    },
  });
  const placed = isLong
    ? virtual.getVirtualItems().map(({ index, start }) => ({ index, top: start }))
    : Array.from({ length: count }, (_, index) => ({ index, top: null }));
  return {
    placed,
    height: isLong ? virtual.getTotalSize() : undefined,
    reveal: (index) => reveal(box, index),
  };
}

function reveal(box: RefObject<HTMLElement | null>, index: number): void {
  const element = box.current;
  if (!element || index < 0) return;
  const top = index * rowPx();
  const hidden = top + rowPx() - element.scrollTop - element.clientHeight;
  if (top < element.scrollTop) element.scrollTop = top;
  else if (hidden > 0) element.scrollTop += hidden;
}

function rowPx(): number {
  return ROW_REM * remPx();
}
