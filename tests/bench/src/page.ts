import { contestants } from "./contestants.ts";
import { corpus, ENVELOPE_BYTES, PER_WINDOW, READ } from "./corpus.ts";

/** What is to be run. */
export interface Plan {
  rounds: number;
  warmUps: number;
  windows: number;
}

/** Nanoseconds an envelope, for each contestant one number a round. */
export type Times = Record<string, { name: string; ns: number[] }>;

/** What the runner prints. */
export interface Result {
  times: Times;
  envelopeBytes: number;
}

/** Runs all contestants in turns, each round in another order, on the same envelopes. */
async function run(plan: Plan): Promise<Result> {
  const answer = await fetch("/core.wasm");
  const all = Object.entries(await contestants(await WebAssembly.compile(await answer.arrayBuffer())));
  const times: Times = Object.fromEntries(all.map(([key, { name }]) => [key, { name, ns: [] }]));
  const nextRound = corpus();
  for (let round = -plan.warmUps; round < plan.rounds; round += 1) {
    const envelopes = nextRound(plan.windows);
    if (envelopes.bytes.some((window) => window.some((one) => one.length !== ENVELOPE_BYTES))) {
      throw new Error(`an envelope is not of ${ENVELOPE_BYTES} bytes: ${envelopes.texts[0]?.[0]}`);
    }
    const seen = all.map(() => new Float64Array(plan.windows * READ * 2));
    for (let turn = 0; turn < all.length; turn += 1) {
      const place = (turn + round + plan.warmUps) % all.length;
      const [key, contestant] = all[place] ?? fail("no such contestant");
      const values = seen[place] ?? fail("no place for values");
      let at = 0;
      const see = (price: number, changePct: number) => {
        values[at] = price;
        values[at + 1] = changePct;
        at += 2;
      };
      // Each begins with a clean heap; what it leaves behind while it runs is its own.
      Reflect.get(globalThis, "gc")?.();
      const began = performance.now();
      contestant.run(envelopes, see);
      const ms = performance.now() - began;
      if (round >= 0) times[key]?.ns.push((ms * 1e6) / (plan.windows * PER_WINDOW));
    }
    demandEqual(seen, round === plan.rounds - 1);
    // A breath for the browser between rounds.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return { times, envelopeBytes: ENVELOPE_BYTES };
}

/** All contestants must have read the same values, and at the end a value of every channel. */
function demandEqual(seen: Float64Array[], last: boolean): void {
  const [first, ...others] = seen;
  if (!first) throw new Error("nobody has run");
  for (const other of others) {
    const at = other.findIndex((value, index) => !Object.is(value, first[index]));
    if (at >= 0) throw new Error(`value ${at} is ${first[at]} for one and ${other[at]} for another`);
  }
  if (last && first.some(Number.isNaN)) throw new Error("a channel that is read has never had a value");
}

function fail(why: string): never {
  throw new Error(why);
}

Object.assign(globalThis, { runBenchmark: run });
