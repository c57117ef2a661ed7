import { MantineProvider } from "@mantine/core";
import type { Transport } from "@spark/live-core";
import { act, render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { type FakeBar, FakeClient, type FakeMarket } from "../dev/fakeClient";
import { App } from "../src/app/App";
import { createSession } from "../src/app/session";
import { theme, variables } from "../src/app/theme";
import { readAddress } from "../src/lib/address";

const DAY_MS = 86_400_000;

/** Bars that rise by one a day from `first`. */
export function rising(first: number, count = 9): FakeBar[] {
  return Array.from({ length: count }, (_, day) => ({
    openTime: Date.UTC(2006, 10, 20) + day * DAY_MS,
    open: first + day,
    high: first + day + 1,
    low: first + day - 1,
    close: first + day + 0.5,
    volume: 1_000,
  }));
}

/** The whole page on a client that is moved by hand. */
export function renderPage(market: FakeMarket = { bars: { AAPL: rising(100), IBM: rising(50) } }) {
  const clients: FakeClient[] = [];
  const make = (transport: Transport): FakeClient => {
    const client = new FakeClient(market, transport);
    clients.push(client);
    return client;
  };
  const session = createSession(make, readAddress(window.location.search).transport);
  const page = render(
    <MantineProvider theme={theme} cssVariablesResolver={variables} env="test">
      <App session={session} />
    </MantineProvider>,
  );
  /** Moves the newest client; the page has settled when it returns. */
  const move = (change: (client: FakeClient) => void): void =>
    act(() => {
      const client = clients.at(-1);
      if (client) change(client);
    });
  return { ...page, clients, move, user: userEvent.setup() };
}
