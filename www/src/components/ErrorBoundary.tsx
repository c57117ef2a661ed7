import { Button, VisuallyHidden } from "@mantine/core";
import { Component, type ErrorInfo, type ReactNode } from "react";
import classes from "./ErrorBoundary.module.css";
import { AlertIcon } from "./icons";
import { Notice } from "./Notice";

/** Keeps a fault in the page from leaving it blank: says so plainly and offers to load it again. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override componentDidCatch(error: Error, info: ErrorInfo): void {
    console.error("the page failed to render", error, info.componentStack);
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children;
    return (
      <main className={classes.page}>
        <VisuallyHidden component="h1">Spark Live</VisuallyHidden>
        <Notice
          icon={<AlertIcon />}
          title="Something on this page broke"
          urgent
          action={<Button onClick={() => window.location.reload()}>Load the page again</Button>}
        >
          The prices are not at fault, the page is. Loading it again usually helps.
        </Notice>
      </main>
    );
  }
}
