import type { PagedRows } from "./types.js";

/** Rows as they are stored: only ever added to, so that every view of them shares them. */
export interface Store<Row> {
  readonly rows: Row[];
  /** The array that was last made of them. */
  joined: readonly Row[];
}

/** What of {@link PagedRows} does not come from the store. */
export type RowFields = Omit<PagedRows, "length" | "rows" | "row">;

/** A view of the rows that are stored by now, which more of them do not change. */
export function viewOf<Row>(store: Store<Row>, fields: RowFields): PagedRows<Row> {
  const { length } = store.rows;
  return {
    ...fields,
    length,
    get rows() {
      if (store.joined.length === length) return store.joined;
      const rows = store.rows.slice(0, length);
      // An old view that is read late does not take the place of the newest.
      if (length === store.rows.length) store.joined = rows;
      return rows;
    },
    row: (index) => (index < length ? store.rows[index] : undefined),
  };
}
