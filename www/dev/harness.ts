/**
 * The page in any of its states without a gateway: `npm run dev -w www`, then
 * `/dev/harness.html?state=live|loading|waiting|empty|unreachable|disconnected|stale|refused|broken`.
 */

import aapl from "../../server/data/stocks/AAPL.csv?raw";
import fb from "../../server/data/stocks/FB.csv?raw";
import goog from "../../server/data/stocks/GOOG.csv?raw";
import ibm from "../../server/data/stocks/IBM.csv?raw";
import msft from "../../server/data/stocks/MSFT.csv?raw";
import { mount } from "../src/app/mount";
import { type FakeBar, FakeClient } from "./fakeClient";

const query = new URLSearchParams(window.location.search);
const state = query.get("state") ?? "live";

function barsOf(csv: string): FakeBar[] {
  return csv
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => {
      const [date, open, high, low, close, volume] = line.split(",");
      return {
        openTime: Date.parse(`${date}T00:00:00Z`),
        open: Number(open),
        high: Number(high),
        low: Number(low),
        close: Number(close),
        volume: Number(volume),
      };
    });
}

const bars = { AAPL: barsOf(aapl), FB: barsOf(fb), GOOG: barsOf(goog), IBM: barsOf(ibm), MSFT: barsOf(msft) };
const names = Object.keys(bars);

function arrange(client: FakeClient): void {
  if (state === "loading") return;
  if (state === "unreachable") {
    client.failSymbols({ code: "NETWORK", message: "no way there" });
    return;
  }
  client.listSymbols(state === "empty" ? [] : names);
  if (state === "empty") return;
  client.setLink({ status: "connecting" });
  client.setLink({ status: "connected", sessionId: "fake" });
  if (state === "waiting") return;
  const refused = state === "refused" ? ["AAPL", "FB"] : [];
  for (const symbol of refused)
    client.refuse(symbol, { code: "CHANNEL_UNKNOWN", message: "no such channel" });
  for (const symbol of names.filter((name) => !refused.includes(name))) {
    for (let i = 0; i < 3; i += 1) client.tick(symbol);
  }
  if (state === "stale") client.judge("stale", "source");
  if (state === "disconnected") {
    client.judge("disconnected", "transport");
    client.setLink({ status: "disconnected", attempt: 3, retryAt: Date.now() + 9_000 });
  }
  if (state === "broken") {
    const broken: object = { length: 3 };
    setTimeout(() => client.link.set(broken as never), 100);
  }
  if (state === "live") {
    let turn = 0;
    setInterval(() => {
      turn += 1;
      client.tick(names[turn % names.length] ?? "AAPL");
    }, 120);
  }
  setInterval(() => client.renewAges(), 1_000);
}

const root = document.getElementById("root");
if (root) {
  mount(root, (transport) => {
    const client = new FakeClient({ bars }, transport);
    queueMicrotask(() => arrange(client));
    return client;
  });
}
