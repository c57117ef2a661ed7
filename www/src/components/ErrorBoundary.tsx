import { Button, VisuallyHidden } from "@mantine/core";
import { Component, type ErrorInfo, type ReactNode } from "react";
import { i18n } from "../i18n";
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
          title={i18n.t("status:broken.title")}
          urgent
          action={<Button onClick={() => window.location.reload()}>{i18n.t("status:broken.again")}</Button>}
        >
          {i18n.t("status:broken.text")}
        </Notice>
      </main>
    );
  }
}
