/**
 * What happened to the machine or the page. `wake`: back from sleep, from the back-forward cache, or
 * into view, so that what looked alive has to prove it. `hidden` and `visible`: whether frames are drawn.
 */
export type NetworkEvent = "online" | "offline" | "wake" | "hidden" | "visible";

/** Whether the machine is online and the page drawn, so that a test can say so itself. */
export interface NetworkStatus {
  /** True while the page is not drawn. */
  hidden(): boolean;
  /** Calls back for each event, and returns the function that undoes it. */
  subscribe(callback: (event: NetworkEvent) => void): () => void;
}

/** The page's own status; in a worker or a process without a page: always visible, and silent. */
export function browserNetwork(): NetworkStatus {
  const page = typeof document === "undefined" ? null : document;
  return {
    hidden: () => page?.visibilityState === "hidden",
    subscribe(callback) {
      if (typeof addEventListener !== "function") return () => {};
      const undo: (() => void)[] = [];
      const on = (target: EventTarget, type: string, handler: (event: Event) => void) => {
        target.addEventListener(type, handler);
        undo.push(() => target.removeEventListener(type, handler));
      };
      on(globalThis, "online", () => callback("online"));
      on(globalThis, "offline", () => callback("offline"));
      on(globalThis, "pageshow", (event) => {
        if ((event as PageTransitionEvent).persisted) callback("wake");
      });
      if (page) {
        on(page, "resume", () => callback("wake"));
        on(page, "visibilitychange", () => {
          const hidden = page.visibilityState === "hidden";
          callback(hidden ? "hidden" : "visible");
          if (!hidden) callback("wake");
        });
      }
      return () => {
        for (const step of undo.splice(0)) step();
      };
    },
  };
}
