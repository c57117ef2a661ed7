"use client";

import type { Readable } from "@spark/live-core";
import { useMemo, useSyncExternalStore } from "react";

const watchNothing = () => () => {};

/** Reads a part of a value that is itself only replaced when it changed. */
function rememberLast<T, S>(select: (value: T) => S): (value: T) => S {
  let last: { value: T; part: S } | null = null;
  return (value) => {
    if (last && Object.is(last.value, value)) return last.part;
    const part = select(value);
    last = { value, part };
    return part;
  };
}

/**
 * A part of a readable. The component renders again only when the part differs by `Object.is`. An inline
 * `select` is a new function at each render: it is used from then on, and nothing is subscribed again.
 */
export function useSelected<T, S>(readable: Readable<T>, select: (value: T) => S, enabled = true): S {
  const pick = useMemo(() => rememberLast(select), [select]);
  return useSyncExternalStore(
    enabled ? readable.subscribe : watchNothing,
    () => pick(enabled ? readable.get() : readable.getServer()),
    () => pick(readable.getServer()),
  );
}
