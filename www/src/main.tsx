import { createLiveClient } from "@spark/live-core";
import { mount } from "./app/mount";

const root = document.getElementById("root");
if (!root) throw new Error("the page has no element with the id root");

mount(root, (transport) =>
  createLiveClient({ url: new URL("/", window.location.href), preferTransport: transport }),
);
