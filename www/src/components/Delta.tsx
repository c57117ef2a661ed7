import { cx } from "../lib/cx";
import { directionOf } from "../lib/format";
import classes from "./Delta.module.css";

/** A gain or a loss: the sign says which, the colour repeats it. */
export function Delta({ value, children }: { value: number | null | undefined; children: string }) {
  return <span className={cx(classes.delta, classes[directionOf(value)])}>{children}</span>;
}
