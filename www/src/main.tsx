import { createLiveClient, guestSession } from "@spark/live-core";
import { mount } from "./app/mount";

const root = document.getElementById("root");
if (!root) throw new Error("the page has no element with the id root");

const url = new URL("/", window.location.href);
// A guest of the demonstration stays the same over a reload of this tab. A page of one's own signs people in instead.
const auth = guestSession(url, { storage: guestStorage() });
void mount(root, (transport) => createLiveClient({ url, auth, preferTransport: transport }));

/** What outlives a reload; nothing where the browser forbids it. */
function guestStorage(): Storage | undefined {
  try {
    return window.sessionStorage;
  } catch {
    return undefined;
  }
}
