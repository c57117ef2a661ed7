import type { Staleness } from "@spark/live-core";
import { cx } from "../lib/cx";
import classes from "./FreshnessMark.module.css";

/**
 * Freshness as a mark of eleven pixels. Each state has a shape of its own, so that it is told without
 * colour: a disc, a ring, a triangle, a struck ring. The words stand beside it, not in it.
 */
export function FreshnessMark({ freshness }: { freshness: Staleness["freshness"] }) {
  return (
    <svg
      className={cx(classes.mark, classes[freshness])}
      viewBox="0 0 12 12"
      aria-hidden="true"
      focusable="false"
      data-mark={freshness}
    >
      {shapeOf(freshness)}
    </svg>
  );
}

function shapeOf(freshness: Staleness["freshness"]) {
  switch (freshness) {
    case "fresh":
      return <circle cx="6" cy="6" r="4" fill="currentColor" />;
    case "pending":
      return <circle cx="6" cy="6" r="3.4" fill="none" stroke="currentColor" strokeWidth="1.6" />;
    case "stale":
      return <path d="M6 1.6 11 10.4H1z" fill="currentColor" />;
    case "disconnected":
      return (
        <g fill="none" stroke="currentColor" strokeWidth="1.7" strokeLinecap="round">
          <circle cx="6" cy="6" r="4.1" />
          <path d="M3.3 8.7 8.7 3.3" />
        </g>
      );
  }
}
