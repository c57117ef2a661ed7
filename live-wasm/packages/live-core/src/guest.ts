import type { LiveClientOptions } from "./types.js";

/**
 * Tokens of the gateway's own guest sessions, for a demonstration: pass it as `auth`. The same guest goes on
 * when a token is renewed. A gateway in production has no guests and answers 404, which becomes the
 * client's error.
 */
export function guestSession(url: string | URL): NonNullable<LiveClientOptions["auth"]> {
  let last: string | null = null;
  return async ({ reason, signal }) => {
    const here = typeof location === "undefined" ? undefined : location.href;
    const base = new URL(url, here);
    if (!base.pathname.endsWith("/")) base.pathname += "/";
    // A token that was rejected names nobody.
    const headers: HeadersInit = last && reason !== "rejected" ? { authorization: `Bearer ${last}` } : {};
    const response = await fetch(new URL("api/session", base), { method: "POST", headers, signal });
    if (!response.ok) throw new Error(`the gateway answered ${response.status} to a guest`);
    const { data } = (await response.json()) as { data: { token: string; expiresAt: number } };
    last = data.token;
    return data;
  };
}
