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
  const look = async (): Promise<void> => {
    const abort = new AbortController();
    cancel = () => abort.abort();
    const answer = await ask(engine, "readyz", abort, readChecks);
    if (abort.signal.aborted || engine.isClosed) return;
    const { value } = state.get();
    state.set(
      "error" in answer
        ? { status: "error", value, error: answer.error }
        : { status: "ready", value: answer.value, error: null },
    );
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
