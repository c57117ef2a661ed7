/**
 * `@spark/live-core`: one line to the gateway, its values, and how fresh they are. This entry carries the
 * WebAssembly module inside; `@spark/live-core/slim` takes it from the page.
 */
export * from "./exports.js";

import { createClient } from "./client.js";
import { compileInline } from "./inline.js";
import type { LiveClient, LiveClientOptions } from "./types.js";
import { loadModule } from "./wasm.js";

/**
 * Makes a client. Synchronous and safe on a server: no I/O and no WebAssembly until something is watched.
 */
export function createLiveClient(options: LiveClientOptions): LiveClient {
  return createClient(options, compileInline);
}

/**
 * Loads the WebAssembly module ahead of its first use; not needed, only sooner.
 *
 * @throws when the page's policy forbids WebAssembly, or the runtime has no `DecompressionStream`.
 */
export async function ready(): Promise<void> {
  await loadModule(compileInline);
}
