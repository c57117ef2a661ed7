"use client";

import type { PagedRows, Readable } from "@spark/live-core";

const nothing = (): void => {};

/** A readable of a value that never changes. */
export function always<T>(value: T): Readable<T> {
  return { get: () => value, getServer: () => value, subscribe: () => nothing };
}

/** Rows of nothing. */
export const noRows: Readable<PagedRows<never>> = always({
  status: "idle",
  length: 0,
  total: null,
  hasMore: false,
  isLoading: false,
  error: null,
  resultHash: null,
  rows: [],
  row: () => undefined,
  loadMore: nothing,
  retry: nothing,
  refresh: nothing,
});
