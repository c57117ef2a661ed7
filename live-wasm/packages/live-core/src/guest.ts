import type { LiveClientOptions } from "./types.js";

/** Under which name a guest's token is stored. */
const STORED_AS = "spark-live-guest";
/** A stored token that ends sooner is renewed instead. */
const GOOD_FOR_MS = 60_000;

/** Somewhere that outlives the page, such as `sessionStorage`. */
export type GuestStorage = Pick<Storage, "getItem" | "setItem">;

interface Guest {
  token: string;
  /** By this machine's clock, which may be wrong. */
  expiresAt: number;
}

/**
 * Tokens of the gateway's own guest sessions, for a demonstration: pass it as `auth`. The same guest goes on
 * when a token is renewed, and with a `storage` also after a reload. A gateway in production has no guests and answers
 * 404, which becomes the client's error.
 */
export function guestSession(
  url: string | URL,
  { storage }: { storage?: GuestStorage | undefined } = {},
): NonNullable<LiveClientOptions["auth"]> {
  let last = stored(storage);
  return async ({ reason, signal }) => {
    if (reason === "initial" && last && last.expiresAt - Date.now() > GOOD_FOR_MS) return last;
    const here = typeof location === "undefined" ? undefined : location.href;
    const base = new URL(url, here);
    if (!base.pathname.endsWith("/")) base.pathname += "/";
    const ask = (token: string | null) => {
      const headers: HeadersInit = token === null ? {} : { authorization: `Bearer ${token}` };
      return fetch(new URL("api/session", base), { method: "POST", headers, signal });
    };
    // A line refuses a token that has just ended sooner than it refuses to renew the guest. One that is good for nothing
    // any more names nobody.
    let response = await ask(last?.token ?? null);
    if (response.status === 401 && last !== null) response = await ask(null);
    if (!response.ok) throw new Error(`the gateway answered ${response.status} to a guest`);
    const { data, ts } = (await response.json()) as { data: Guest; ts: number };
    last = { token: data.token, expiresAt: Date.now() + data.expiresAt - ts };
    keep(storage, last);
    return last;
  };
}

/** The guest that was kept; null without one, or where storing is forbidden. */
function stored(storage: GuestStorage | undefined): Guest | null {
  try {
    const guest = JSON.parse(storage?.getItem(STORED_AS) ?? "null") as Partial<Guest> | null;
    return typeof guest?.token === "string" && typeof guest.expiresAt === "number" ? (guest as Guest) : null;
  } catch {
    return null;
  }
}

function keep(storage: GuestStorage | undefined, guest: Guest): void {
  try {
    storage?.setItem(STORED_AS, JSON.stringify(guest));
  } catch {
    // It lasts as long as the page, then.
  }
}
