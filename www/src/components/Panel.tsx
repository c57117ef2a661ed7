import type { ReactNode } from "react";
import { cx } from "../lib/cx";
import classes from "./Panel.module.css";

/** Properties of {@link Panel}. */
export interface PanelProps {
  /** Id of the heading that names the region. */
  labelledBy: string;
  className?: string | undefined;
  children: ReactNode;
}

/** A named region of the page on a surface of its own. */
export function Panel({ labelledBy, className, children }: PanelProps) {
  return (
    <section className={cx(classes.panel, className)} aria-labelledby={labelledBy}>
      {children}
    </section>
  );
}
