import { act, cleanup, render } from "@testing-library/react";
import { Profiler } from "react";
import { afterEach, describe, expect, it } from "vitest";
import { settle, setUp, tick, until } from "../../live-core/test/harness.js";
import { LiveProvider, usePrice } from "../src/index.js";

const ROWS = 50;
const FRAMES = 60;
/** 10,000 envelopes a second at 60 frames a second, to the next whole one. */
const ENVELOPES_A_FRAME = 167;
const FRAME_MS = 16;

const symbols = Array.from({ length: ROWS }, (_, at) => `S${at}`);

function Row({ symbol, rendered }: { symbol: string; rendered: Map<string, number> }) {
  const { value } = usePrice(symbol);
  rendered.set(symbol, (rendered.get(symbol) ?? 0) + 1);
  return <li>{value?.price ?? "-"}</li>;
}

/** Numbers that look random and are the same in every run. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state;
  }
}

/** Whether React keeps what it has to do until a test's `act` ends, rather than doing it as in a browser. */
const acting = globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean };
const wasActing = acting.IS_REACT_ACT_ENVIRONMENT ?? false;

afterEach(() => {
  acting.IS_REACT_ACT_ENVIRONMENT = wasActing;
  cleanup();
});

describe("50 rows under 10,000 envelopes a second", () => {
  it("are committed at most once a frame, and only those render whose price changed", async () => {
    const { client, gateway, clock } = setUp();
    const rendered = new Map<string, number>();
    let commits = 0;
    const list = render(
      <LiveProvider client={client}>
        <ul>
          {symbols.map((symbol) => (
            <Row key={symbol} symbol={symbol} rendered={rendered} />
          ))}
        </ul>
      </LiveProvider>,
      {
        wrapper: ({ children }) => (
          <Profiler id="list" onRender={() => (commits += 1)}>
            {children}
          </Profiler>
        ),
      },
    );
    await act(async () => {
      await until(() => gateway.lines.length > 0, "a line");
      gateway.line.greet();
      gateway.line.ackAll();
      clock.draw();
    });
    rendered.clear();
    commits = 0;
    const flushed = client.stats().flushes;
    acting.IS_REACT_ACT_ENVIRONMENT = false;

    const random = numbers(7);
    const last = new Map<string, number>();
    const expected = new Map<string, number>();
    let seq = 0;
    for (let frame = 0; frame < FRAMES; frame += 1) {
      // A busy feed: a few symbols make most of the noise, and some say nothing in a frame.
      const spread = 1 + (random.next().value % ROWS);
      const inFrame = new Set<string>();
      for (let count = 0; count < ENVELOPES_A_FRAME; count += 1) {
        const symbol = symbols[random.next().value % spread] ?? "S0";
        seq += 1;
        gateway.line.say(tick(symbol, seq, seq));
        // Between any two of them timers and promises have their turn, so that React renders what it was told.
        clock.advance(FRAME_MS / ENVELOPES_A_FRAME);
        await Promise.resolve();
        last.set(symbol, seq);
        inFrame.add(symbol);
      }
      for (const symbol of inFrame) expected.set(symbol, (expected.get(symbol) ?? 0) + 1);
      await settle();
      expect([commits, client.stats().flushes - flushed]).toEqual([frame, frame]);
      clock.draw();
      await settle();
      expect(commits).toBe(frame + 1);
    }
    acting.IS_REACT_ACT_ENVIRONMENT = wasActing;
    expect(rendered).toEqual(expected);
    const shown = [...list.container.querySelectorAll("li")].map((row) => row.textContent);
    expect(shown).toEqual(symbols.map((symbol) => String(last.get(symbol) ?? "-")));
    expect(client.stats().accepted).toBe(FRAMES * ENVELOPES_A_FRAME + ROWS + 1);
    client.close();
  });
});
