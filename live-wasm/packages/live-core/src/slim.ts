/**
 * `@spark/live-core/slim`: the client without the WebAssembly module, which the page hands over, for
 * instance as the address of `@spark/live-core/core.wasm`.
 */
export * from "./exports.js";

import { createClient } from "./client.js";
import type { LiveClient, LiveClientOptions } from "./types.js";
import { loadModule } from "./wasm.js";

/** The module: compiled, as bytes, as the answer that carries them, or as its address. */
export type WasmSource =
  | WebAssembly.Module
  | BufferSource
  | Response
  | Promise<WebAssembly.Module | BufferSource | Response>
  | URL
  | string;

let given: WasmSource | null = null;

/** Says where the module is. To be called once, before anything is watched; loads nothing by itself. */
export function provideWasm(source: WasmSource): void {
  given = source;
}

/** Makes a client. Synchronous and safe on a server: no I/O and no WebAssembly until something is watched. */
export function createLiveClient(options: LiveClientOptions): LiveClient {
  return createClient(options, compileGiven);
}

/**
 * Loads the WebAssembly module ahead of its first use; not needed, only sooner.
 *
 * @throws when {@link provideWasm} was not called, or its module cannot be had or compiled.
 */
export async function ready(): Promise<void> {
  await loadModule(compileGiven);
}

function isBytes(content: WebAssembly.Module | BufferSource): content is BufferSource {
  return content instanceof ArrayBuffer || ArrayBuffer.isView(content);
}

async function compileGiven(): Promise<WebAssembly.Module> {
  if (given === null) {
    throw new Error(
      "The slim entry has no module: call provideWasm(…) with core.wasm before anything is watched.",
    );
  }
  const source = typeof given === "string" || given instanceof URL ? fetch(given) : given;
  const content = await source;
  if (content instanceof Response) {
    if (!content.ok) throw new Error(`The module could not be fetched: status ${content.status}.`);
    // Streaming needs the right content type, which not every server sends; bytes always do.
    return WebAssembly.compile(await content.arrayBuffer());
  }
  return isBytes(content) ? WebAssembly.compile(content) : content;
}
