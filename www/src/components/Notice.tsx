import { EmptyState } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./Notice.module.css";

/** Properties of {@link Notice}. */
export interface NoticeProps {
  icon: ReactNode;
  /** What is the matter, in a few words. */
  title: string;
  /** What it means and what to do about it. */
  children: ReactNode;
  /** A button, where there is something to do. */
  action?: ReactNode;
  /** Read out at once, for what a person must know now. */
  urgent?: boolean;
}

/** Words in the middle of an otherwise empty region. */
export function Notice({ icon, title, children, action, urgent = false }: NoticeProps) {
  return (
    <div className={classes.notice} role={urgent ? "alert" : undefined}>
      <EmptyState size="md" classNames={{ indicator: classes.icon, title: classes.title }}>
        <EmptyState.Indicator>{icon}</EmptyState.Indicator>
        <EmptyState.Title>{title}</EmptyState.Title>
        <EmptyState.Description className={classes.text}>{children}</EmptyState.Description>
        {action !== undefined && <EmptyState.Actions>{action}</EmptyState.Actions>}
      </EmptyState>
    </div>
  );
}
