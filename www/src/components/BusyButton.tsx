import { Button, type ButtonProps, Loader } from "@mantine/core";
import type { ComponentPropsWithoutRef, MouseEvent } from "react";
import { cx } from "../lib/cx";
import classes from "./BusyButton.module.css";

/** Properties of {@link BusyButton}. */
export interface BusyButtonProps
  extends Omit<ButtonProps, "loading">,
    Omit<ComponentPropsWithoutRef<"button">, keyof ButtonProps> {
  /** Whether what it does is under way. */
  isBusy: boolean;
}

/** A button that keeps its size and its focus while what it does is under way, and takes no second press. */
export function BusyButton({ isBusy, onClick, className, children, ...props }: BusyButtonProps) {
  const press = (event: MouseEvent<HTMLButtonElement>): void => {
    if (isBusy) event.preventDefault();
    else onClick?.(event);
  };
  return (
    <Button
      {...props}
      className={cx(classes.button, className)}
      aria-disabled={isBusy}
      aria-busy={isBusy}
      data-busy={isBusy || undefined}
      onClick={press}
    >
      {children}
      {isBusy && (
        <span className={classes.sign} aria-hidden="true">
          <Loader size="1rem" color="currentColor" />
        </span>
      )}
    </Button>
  );
}
