import { failureText } from "./answer.js";
import type { Engine } from "./engine.js";
import type { LiveError, Readable } from "./types.js";

/** Downloads something once, and again after a failure, which rejects with the fields of a {@link LiveError}. */
export function once<T>(download: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => {
    loading ??= download().catch((error: unknown) => {
      loading = undefined;
      throw Object.assign(new Error(failureText(error)), { code: "NETWORK" });
    });
    return loading;
  };
}

/**
 * Watches what there is once `load` has come through, which is tried again while it fails; `failed` is told why. Returns
 * what ends that.
 */
export function watchLater(
  engine: Engine,
  find: () => Pick<Readable<unknown>, "subscribe"> | undefined,
  load: () => Promise<unknown>,
  failed: (error: LiveError) => void,
  callback: () => void,
): () => void {
  let end: (() => void) | undefined = () => {};
  const begin = (): void => {
    if (!end || engine.isClosed) return;
    const known = find();
    if (known) end = known.subscribe(callback);
    else
      void load()
        .then(begin, ({ code, message }: LiveError) => {
          failed({ code, message });
          if (end) end = engine.clock.after(engine.clock.random() * engine.retry.maxMs, begin);
        })
        .then(() => end && callback());
  };
  begin();
  return () => {
    end?.();
    end = undefined;
  };
}
