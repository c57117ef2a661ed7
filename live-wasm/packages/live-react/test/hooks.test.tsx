import { act, cleanup, render, renderHook, screen } from "@testing-library/react";
import { type ReactNode, StrictMode } from "react";
import { hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ack, bar, settle, setUp, tick, until } from "../../live-core/test/harness.js";
import {
  LiveProvider,
  useAge,
  useCandles,
  useChannel,
  useLiveStatus,
  usePrice,
  useStaleness,
} from "../src/index.js";

function Row({ symbol }: { symbol: string }) {
  return <p>{usePrice(symbol).value?.price ?? "-"}</p>;
}

function Page() {
  const price = usePrice("AAPL");
  const candles = useCandles("AAPL", "1d");
  const status = useLiveStatus();
  const { freshness } = useStaleness("price:AAPL");
  const age = useAge("price:AAPL");
  return <p>{[price.freshness, candles.freshness, status.status, freshness, age].join(" ")}</p>;
}

type Setup = ReturnType<typeof setUp>;
const setups: Setup[] = [];

function start() {
  const setup = setUp();
  setups.push(setup);
  const wrapper = ({ children }: { children: ReactNode }) => (
    <LiveProvider client={setup.client}>{children}</LiveProvider>
  );
  return { ...setup, wrapper };
}

/** Waits for the line and greets the client on it. */
async function connect({ gateway }: Setup) {
  await act(async () => {
    await until(() => gateway.lines.length > 0, "a line");
    gateway.line.greet();
    gateway.line.ackAll();
  });
}

function say({ gateway, clock }: Setup, ...envelopes: object[]) {
  act(() => {
    gateway.line.say(...envelopes);
    clock.draw();
  });
}

afterEach(() => {
  cleanup();
  for (const { client } of setups.splice(0)) client.close();
  vi.restoreAllMocks();
});

describe("a hook", () => {
  it("without a provider throws a sentence", () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    expect(() => renderHook(() => usePrice("AAPL"))).toThrow(
      /^There is no live client here: wrap the component/,
    );
  });
});

describe("usePrice", () => {
  it("renders the price when it comes, and what is known of it", async () => {
    const setup = start();
    const { result } = renderHook(() => usePrice("AAPL"), { wrapper: setup.wrapper });
    expect(result.current).toMatchObject({ value: undefined, freshness: "pending" });
    await connect(setup);
    say(setup, tick("AAPL", 1, 12.5));
    expect(result.current).toMatchObject({ value: { price: 12.5 }, freshness: "fresh", seq: 1 });
    act(() => setup.gateway.line.close());
    expect(result.current).toMatchObject({ value: { price: 12.5 }, freshness: "disconnected" });
  });

  it("in StrictMode is one line and one subscribe command", async () => {
    const setup = start();
    render(
      <StrictMode>
        <LiveProvider client={setup.client}>
          <Row symbol="AAPL" />
          <Row symbol="IBM" />
          <Row symbol="AAPL" />
        </LiveProvider>
      </StrictMode>,
    );
    await connect(setup);
    say(setup, tick("AAPL", 1, 10), tick("IBM", 1, 20));
    act(() => setup.clock.advance(3_000));
    await settle();
    expect(screen.getAllByText("10")).toHaveLength(2);
    expect(screen.getAllByText("20")).toHaveLength(1);
    expect(setup.gateway.lines).toHaveLength(1);
    expect(setup.gateway.line.commands.map(({ cmd, channels }) => [cmd, channels])).toEqual([
      ["subscribe", [{ name: "price:AAPL" }, { name: "price:IBM" }]],
    ]);
  });

  it("has the rate and the transport that it asks for, whoever else looks at its age", async () => {
    const setup = start();
    const show = () => {
      useAge("price:AAPL");
      useStaleness("price:AAPL");
      usePrice("AAPL", { maxHz: 2, transport: "sse" });
    };
    renderHook(show, { wrapper: setup.wrapper });
    await act(() => until(() => setup.gateway.lines.length > 0, "a line"));
    const { kind, channels } = setup.gateway.line.request;
    expect([setup.gateway.lines.length, kind, channels]).toEqual([
      1,
      "sse",
      [{ name: "price:AAPL", maxHz: 2 }],
    ]);
  });

  it("with an inline selector renders only when the part differs, and subscribes once", async () => {
    const setup = start();
    const subscribed = vi.spyOn(setup.client, "channel");
    let renders = 0;
    const { result, rerender } = renderHook(
      () => {
        renders += 1;
        return usePrice("AAPL", (snap) => Math.floor(snap.value?.price ?? 0));
      },
      { wrapper: setup.wrapper },
    );
    await connect(setup);
    say(setup, tick("AAPL", 1, 10.1));
    expect(result.current).toBe(10);
    const before = renders;
    say(setup, tick("AAPL", 2, 10.2));
    say(setup, tick("AAPL", 3, 10.9));
    expect(renders).toBe(before);
    say(setup, tick("AAPL", 4, 11));
    expect(result.current).toBe(11);
    expect(renders).toBe(before + 1);
    rerender();
    rerender();
    expect(subscribed).toHaveBeenCalledTimes(1);
    expect(setup.client.stats().channels).toMatchObject([{ subscribers: 1 }]);
  });

  it("uses the selector of the newest render", async () => {
    const setup = start();
    const { result, rerender } = renderHook(
      ({ factor }) => usePrice("AAPL", (snap) => (snap.value?.price ?? 0) * factor),
      { wrapper: setup.wrapper, initialProps: { factor: 1 } },
    );
    await connect(setup);
    say(setup, tick("AAPL", 1, 10));
    rerender({ factor: 3 });
    expect(result.current).toBe(30);
    say(setup, tick("AAPL", 2, 11));
    expect(result.current).toBe(33);
  });

  it("lives with a selector that makes a new object each time", async () => {
    const complaints = vi.spyOn(console, "error").mockImplementation(() => {});
    const setup = start();
    const { result } = renderHook(() => usePrice("AAPL", (snap) => ({ price: snap.value?.price })), {
      wrapper: setup.wrapper,
    });
    await connect(setup);
    say(setup, tick("AAPL", 1, 10));
    expect(result.current).toEqual({ price: 10 });
    expect(complaints).not.toHaveBeenCalled();
  });

  it("that is not enabled holds nothing, and starts when it is", async () => {
    const setup = start();
    const { result, rerender } = renderHook(({ enabled }) => usePrice("AAPL", { enabled }), {
      wrapper: setup.wrapper,
      initialProps: { enabled: false },
    });
    await settle();
    expect(setup.gateway.lines).toHaveLength(0);
    expect(setup.client.stats().channels).toEqual([]);
    rerender({ enabled: true });
    await connect(setup);
    say(setup, tick("AAPL", 1, 10));
    expect(result.current.value?.price).toBe(10);
    rerender({ enabled: false });
    expect(result.current.value).toBeUndefined();
    expect(setup.client.stats().channels).toMatchObject([{ subscribers: 0 }]);
  });

  it("follows its symbol", async () => {
    const setup = start();
    const { result, rerender } = renderHook(({ symbol }) => usePrice(symbol), {
      wrapper: setup.wrapper,
      initialProps: { symbol: "AAPL" },
    });
    await connect(setup);
    say(setup, tick("AAPL", 1, 10));
    rerender({ symbol: "IBM" });
    expect(result.current.value).toBeUndefined();
    await act(settle);
    say(setup, ack("price:IBM"), tick("IBM", 1, 20));
    expect(result.current.value).toMatchObject({ symbol: "IBM", price: 20 });
  });

  it("passes the rate on", async () => {
    const setup = start();
    renderHook(() => usePrice("AAPL", (snap) => snap.seq, { maxHz: 2 }), { wrapper: setup.wrapper });
    await connect(setup);
    expect(setup.gateway.line.commands[0]?.channels).toEqual([{ name: "price:AAPL", maxHz: 2 }]);
  });
});

describe("the other hooks", () => {
  it("useCandles renders the live bar", async () => {
    const setup = start();
    const { result } = renderHook(() => useCandles("AAPL", "1d", { limit: 10 }), { wrapper: setup.wrapper });
    await connect(setup);
    say(setup, bar("AAPL", 1, 86_400_000, 12));
    expect(result.current.value).toMatchObject({ symbol: "AAPL", interval: "1d", length: 1 });
  });

  it("useChannel renders any channel, and its error", async () => {
    const setup = start();
    const { result } = renderHook(() => useChannel("price:.."), { wrapper: setup.wrapper });
    await act(() => until(() => setup.client.channel("price:..").get().error !== null, "the answer"));
    expect(result.current).toMatchObject({ freshness: "pending", error: { code: "CHANNEL_INVALID" } });
  });

  it("useLiveStatus renders the link, or a part of it, and opens nothing", async () => {
    const setup = start();
    let renders = 0;
    const { result } = renderHook(
      () => {
        renders += 1;
        return useLiveStatus((link) => link.status);
      },
      { wrapper: setup.wrapper },
    );
    await settle();
    expect(result.current).toBe("idle");
    expect(setup.gateway.lines).toHaveLength(0);
    const whole = renderHook(() => useLiveStatus(), { wrapper: setup.wrapper });
    renderHook(() => usePrice("AAPL"), { wrapper: setup.wrapper });
    await connect(setup);
    expect(result.current).toBe("connected");
    expect(whole.result.current).toMatchObject({
      status: "connected",
      transport: "websocket",
      sessionId: "s-1",
    });
    const before = renders;
    act(() => setup.gateway.line.close());
    expect(renders).toBe(before + 1);
  });

  it("useStaleness renders how far a value can be trusted", async () => {
    const setup = start();
    const { result } = renderHook(() => useStaleness("price:AAPL"), { wrapper: setup.wrapper });
    expect(result.current).toEqual({ freshness: "pending", ageMs: null, cause: null });
    await connect(setup);
    say(setup, tick("AAPL", 1, 10));
    expect(result.current).toMatchObject({ freshness: "fresh", cause: null });
    act(() => setup.clock.advance(10_000));
    expect(result.current).toMatchObject({ freshness: "stale", cause: "source" });
    expect(result.current.ageMs).toBeGreaterThanOrEqual(5_000);
  });

  it("useAge renders an age that grows, also while there is no line", async () => {
    const setup = start();
    const { result } = renderHook(() => useAge("price:AAPL", 500), { wrapper: setup.wrapper });
    expect(result.current).toBeNaN();
    await connect(setup);
    say(setup, tick("AAPL", 1, 10));
    const first = result.current;
    act(() => setup.clock.advance(500));
    expect(result.current).toBe(first + 500);
    act(() => setup.gateway.line.close());
    act(() => setup.clock.advance(2_000));
    expect(result.current).toBe(first + 2_500);
  });
});

describe("on a server", () => {
  it("everything is pending, nothing is opened, and hydration finds no difference", async () => {
    const complaints = vi.spyOn(console, "error").mockImplementation(() => {});
    const served = start();
    const html = renderToString(
      <LiveProvider client={served.client}>
        <Page />
      </LiveProvider>,
    );
    expect(html).toBe("<p>pending pending idle pending NaN</p>");
    await settle();
    expect(served.gateway.lines).toHaveLength(0);
    expect(served.clock.waiting).toBe(0);

    const setup = start();
    const container = document.createElement("div");
    container.innerHTML = html;
    document.body.append(container);
    const root = await act(async () =>
      hydrateRoot(
        container,
        <LiveProvider client={setup.client}>
          <Page />
        </LiveProvider>,
      ),
    );
    await connect(setup);
    say(setup, tick("AAPL", 1, 10));
    expect(container.textContent).toMatch(/^fresh pending connected fresh \d/);
    expect(complaints).not.toHaveBeenCalled();
    act(() => root.unmount());
    container.remove();
  });
});
