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
    const ask = (token: string | null) => {
      const headers: HeadersInit = token === null ? {} : { authorization: `Bearer ${token}` };
      return fetch(new URL("api/session", base), { method: "POST", headers, signal });
    };
    // A token that was rejected names nobody, nor does one of a gateway that has forgotten its keys.
    let response = await ask(reason === "rejected" ? null : last);
    if (response.status === 401 && last !== null) response = await ask(null);
    if (!response.ok) throw new Error(`the gateway answered ${response.status} to a guest`);
    const { data } = (await response.json()) as { data: { token: string; expiresAt: number } };
    last = data.token;
    return data;
  };
}
