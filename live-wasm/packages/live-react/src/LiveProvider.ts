"use client";

import type { LiveClient } from "@spark/live-core";
import { createElement, type ReactElement, type ReactNode } from "react";
import { LiveContext } from "./context.js";

/** Properties of {@link LiveProvider}. */
export interface LiveProviderProps {
  /** Made once, outside the component tree; whoever made it closes it. */
  client: LiveClient;
  children?: ReactNode;
}

/** Gives the client to every hook below. Opens nothing by itself. */
export function LiveProvider({ client, children }: LiveProviderProps): ReactElement {
  return createElement(LiveContext.Provider, { value: client }, children);
}
