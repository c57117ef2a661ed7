import { type ComponentType, lazy, type ReactNode, Suspense, useState } from "react";
import { ErrorBoundary } from "../components/ErrorBoundary";

/** A part of the page that is downloaded when it is first shown. */
export interface Part<P> {
  /** What the component inside needs. */
  props: P;
  /** Stands in its place while its code is on the way. */
  fallback: ReactNode;
  /** A second way out where it failed, beside trying again. */
  action?: ReactNode;
}

/**
 * A component whose code comes when it is first shown. What fails there, be it the download or the component, is told in
 * its place and leaves the rest of the page as it is; trying again asks for the code anew.
 */
export function lazyPart<P extends object>(
  load: () => Promise<{ default: ComponentType<P> }>,
): ComponentType<Part<P>> {
  // One for all that show it: whoever comes back waits for nothing.
  let latest = lazy(load);
  return function LazyPart({ props, fallback, action }) {
    const [View, setView] = useState(() => latest);
    const askAnew = (): void => {
      latest = lazy(load);
      setView(() => latest);
    };
    return (
      <ErrorBoundary of="part" onRetry={askAnew} action={action}>
        <Suspense fallback={fallback}>
          <View {...props} />
        </Suspense>
      </ErrorBoundary>
    );
  };
}
