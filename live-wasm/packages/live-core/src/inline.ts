import { moduleText } from "./generated/wasm_inline.js";

/** Compiles the module that this package carries: base64 over raw deflate. */
export async function compileInline(): Promise<WebAssembly.Module> {
  const packed = Uint8Array.from(atob(moduleText), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const bytes = await new Response(stream).arrayBuffer();
  return WebAssembly.compile(bytes);
}
