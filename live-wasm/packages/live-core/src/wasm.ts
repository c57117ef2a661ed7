import type { CoreInstance } from "./binding.js";
import { type Instance, instantiate } from "./instance.js";
import { causeOf, freshnessOf } from "./names.js";
import type { Staleness } from "./types.js";

/** Compiles the module, from wherever it comes. */
export type ModuleSource = () => Promise<WebAssembly.Module>;

/** What judging one envelope says. */
export type Verdict =
  | { ok: true; event: string; channel: string; seq: number; ts: number; errorCode: string | null }
  | { ok: false; code: string; field: string; reason: string };

/** What staleness is judged from. All times are milliseconds of one clock that never goes back. */
export interface StalenessInput {
  nowMs: number;
  /** When the newest value was born; null before the first. */
  bornMs: number | null;
  /** When the last frame of any kind arrived; null when there is no link. */
  lastFrameMs: number | null;
  /** Whether the gateway vouches for its own link to the engine. */
  brokerIsProven: boolean;
  /** Age from which a value is stale; null where the source's silence says nothing. */
  staleAfterMs: number | null;
  /** Silence of the whole link from which its values are stale. */
  linkSilentAfterMs: number;
}

// The module is compiled once for all clients of the page, and kept only when that worked.
let compiling: Promise<WebAssembly.Module> | null = null;
let shared: Instance | null = null;

function compiled(source: ModuleSource): Promise<WebAssembly.Module> {
  if (!compiling) {
    const attempt = source();
    compiling = attempt;
    attempt.catch(() => {
      if (compiling === attempt) compiling = null;
    });
  }
  return compiling;
}

/** Makes a core in an instance of its own, so that a trap in it harms no other client. */
export async function createCore(source: ModuleSource): Promise<CoreInstance> {
  return (await instantiate(await compiled(source))).core();
}

/** Loads the module and the instance that the pure functions below run in. */
export async function loadModule(source: ModuleSource): Promise<void> {
  shared ??= await instantiate(await compiled(source));
}

function loaded(): Instance {
  if (!shared) throw new Error("The WebAssembly module is not loaded yet: await ready() first.");
  return shared;
}

/**
 * Judges one envelope as the gateway does before it sends it.
 *
 * @throws before {@link ready} is done.
 */
export function validate(envelope: Uint8Array | string): Verdict {
  const bytes = typeof envelope === "string" ? new TextEncoder().encode(envelope) : envelope;
  return JSON.parse(loaded().validate(bytes)) as Verdict;
}

/**
 * How far a value can be trusted: the same function that the gateway runs.
 *
 * @throws before {@link ready} is done.
 */
export function computeStaleness(input: StalenessInput): Staleness {
  const { nowMs, bornMs, lastFrameMs, brokerIsProven, staleAfterMs, linkSilentAfterMs } = input;
  const number = (value: number | null) => value ?? Number.NaN;
  const [freshness, ageMs = Number.NaN, cause] = loaded().computeStaleness(
    nowMs,
    number(bornMs),
    number(lastFrameMs),
    Number(brokerIsProven),
    number(staleAfterMs),
    linkSilentAfterMs,
  );
  return {
    freshness: freshnessOf(freshness),
    ageMs: Number.isNaN(ageMs) ? null : ageMs,
    cause: causeOf(cause),
  };
}
