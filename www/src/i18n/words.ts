import type en from "./en";

/** The names of the groups of words, one a view. */
export type Group = keyof typeof en;

type Same<T> = { readonly [K in keyof T]: T[K] extends string ? string : Same<T[K]> };

/** The words of a group in another language: the same keys, other texts. */
export type Words<G extends Group> = Same<(typeof en)[G]>;
