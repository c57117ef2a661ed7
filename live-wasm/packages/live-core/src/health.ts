import { ask } from "./answer.js";
import type { Engine } from "./engine.js";
import { Value } from "./readable.js";
import type { GatewayHealth, HealthState, Readable } from "./types.js";

/** How often the gateway is asked while somebody watches. */
const EVERY_MS = 5_000;

/** How the gateway is: asked while somebody watches and the page is seen. */
export function healthOf(engine: Engine): Readable<HealthState> {
  const state = new Value<HealthState>({ status: "pending", value: undefined, error: null });
  let watchers = 0;
  let cancel = (): void => {};
  // How the gateway is may be asked by anybody.
  const asker = { clock: engine.clock, fetch: engine.fetchAsNobody, base: () => engine.base() };
  const look = async (): Promise<void> => {
    if (engine.isClosed) return;
    const abort = new AbortController();
    cancel = () => abort.abort();
    const answer = await ask(asker, "readyz", abort, readChecks, { credentials: "omit" });
    if (abort.signal.aborted || engine.isClosed) return;
    const last = state.get();
    const now: HealthState =
      "error" in answer
        ? { status: "error", value: last.value, error: answer.error }
        : { status: "ready", value: answer.value, error: null };
    if (JSON.stringify(now) !== JSON.stringify(last)) state.set(now);
    next();
  };
  const next = (): void => {
    cancel = engine.clock.after(EVERY_MS, () => {
      if (engine.network.hidden()) next();
      else void look();
    });
  };
  return {
    get: state.get,
    getServer: state.getServer,
    subscribe: (callback) => {
      const release = state.subscribe(callback);
      watchers += 1;
      if (watchers === 1) void look();
      let isOver = false;
      return () => {
        if (isOver) return;
        isOver = true;
        release();
        watchers -= 1;
        if (watchers === 0) cancel();
      };
    },
  };
}

/** Reads the gateway's parts, whatever each of them tells besides `ok`. */
function readChecks(bytes: Uint8Array): GatewayHealth {
  const { data } = JSON.parse(new TextDecoder().decode(bytes)) as { data?: { checks?: GatewayHealth } };
  if (typeof data?.checks !== "object") throw new Error("the answer is no word about the gateway's parts");
  return data.checks;
}
