"use client";

import type { LinkState } from "@spark/live-core";
import { useLiveClient } from "./useLiveClient.js";
import { useSelected } from "./useSelected.js";

const whole = (link: LinkState): LinkState => link;

/** The state of the link, or a part of it. Opens nothing by itself. */
export function useLiveStatus<S = LinkState>(select?: (link: LinkState) => S): S {
  const client = useLiveClient();
  // Without `select` the caller's S is LinkState by its default.
  return useSelected(client.link, select ?? (whole as unknown as (link: LinkState) => S));
}
