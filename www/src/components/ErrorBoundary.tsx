import { Button, VisuallyHidden } from "@mantine/core";
import { Component, type ErrorInfo, type ReactNode } from "react";
import { i18n } from "../i18n";
import classes from "./ErrorBoundary.module.css";
import { AlertIcon } from "./icons";
import { Notice } from "./Notice";

/** Properties of {@link ErrorBoundary}. */
export interface ErrorBoundaryProps {
  /** A part of the page leaves the rest as it is, and can be tried again by itself. Default: the page. */
  of?: "page" | "part";
  /** Called before a part is tried again, such as to ask for its code anew. */
  onRetry?: () => void;
  /** A second way out of a part, beside trying again. */
  action?: ReactNode;
  children: ReactNode;
}

interface State {
  failed: boolean;
  /** How often it has failed. What fails again after a retry wants the page anew. */
  failures: number;
}

/** Keeps a fault from leaving the page blank: says so plainly and offers a way out. */
export class ErrorBoundary extends Component<ErrorBoundaryProps, State> {
  override state: State = { failed: false, failures: 0 };

  static getDerivedStateFromError(): Partial<State> {
    return { failed: true };
  }

  override componentDidCatch(error: Error, info: ErrorInfo): void {
    console.error("the page failed to render", error, info.componentStack);
    this.setState(({ failures }) => ({ failures: failures + 1 }));
  }

  #retry = (): void => {
    this.props.onRetry?.();
    this.setState({ failed: false });
  };

  override render(): ReactNode {
    const { of = "page", action, children } = this.props;
    if (!this.state.failed) return children;
    if (of === "page") {
      return (
        <main className={classes.page}>
          <VisuallyHidden component="h1">Spark Live</VisuallyHidden>
          <Notice icon={<AlertIcon />} title={i18n.t("status:broken.title")} urgent action={<ReloadButton />}>
            {i18n.t("status:broken.text")}
          </Notice>
        </main>
      );
    }
    const again =
      this.state.failures > 1 ? (
        <ReloadButton />
      ) : (
        <Button onClick={this.#retry}>{i18n.t("common:retry")}</Button>
      );
    return (
      <div className={classes.part} data-testid="part-failed">
        <Notice
          icon={<AlertIcon />}
          title={i18n.t("common:part.title")}
          urgent
          action={
            <>
              {again}
              {action}
            </>
          }
        >
          {i18n.t("common:part.text")}
        </Notice>
      </div>
    );
  }
}

function ReloadButton() {
  return <Button onClick={() => window.location.reload()}>{i18n.t("status:broken.again")}</Button>;
}
