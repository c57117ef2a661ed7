"use client";

import type { Price, Snap } from "@spark/live-core";
import type { LiveHookOptions } from "./options.js";
import { useChannelHandle } from "./useChannelHandle.js";
import { useSelected } from "./useSelected.js";

const whole = (snap: Snap<Price>): Snap<Price> => snap;

/** The newest price of a symbol, with what is known about it. */
export function usePrice(symbol: string, options?: LiveHookOptions): Snap<Price>;
/** A part of it: the component renders again only when the part differs by `Object.is`. */
export function usePrice<S>(symbol: string, select: (snap: Snap<Price>) => S, options?: LiveHookOptions): S;
export function usePrice<S>(
  symbol: string,
  selectOrOptions?: ((snap: Snap<Price>) => S) | LiveHookOptions,
  maybeOptions?: LiveHookOptions,
): S | Snap<Price> {
  const select = typeof selectOrOptions === "function" ? selectOrOptions : whole;
  const options = (typeof selectOrOptions === "function" ? maybeOptions : selectOrOptions) ?? {};
  const channel = useChannelHandle(`price:${symbol}`, options);
  return useSelected<Snap<Price>, S | Snap<Price>>(channel, select, options.enabled);
}
