import type { CoreBinding, CoreInstance } from "./binding.js";
import type { InitOutput } from "./generated/live_wasm.js";

/** A string or an array in the module's memory: address and length. Whoever takes it out frees it. */
type Span = [at: number, length: number];

/** What the pure functions of the module need. */
export interface Pure {
  validate(envelope: Uint8Array): string;
  computeStaleness(...input: Parameters<InitOutput["computeStaleness"]>): Float64Array;
}

/**
 * Makes an instance of the module, with a memory of its own. The bindings that wasm-bindgen writes allow
 * one instance a page, so that a trap would take every client down with it; these follow the same rules
 * (its version is pinned, and the types of the exports are its own) and leave out what no page calls.
 */
export async function instantiate(module: WebAssembly.Module): Promise<Instance> {
  let instance: Instance | null = null;
  const text = (at: number, length: number) => instance?.text(at, length) ?? "";
  const known: Record<string, (...input: number[]) => unknown> = {
    __wbg_Error: (at = 0, length = 0) => new Error(text(at, length)),
    __wbg___wbindgen_throw: (at = 0, length = 0) => {
      throw new Error(text(at, length));
    },
    __wbindgen_init_externref_table: () => {
      const table = instance?.exports.__wbindgen_externrefs;
      // The values that the module refers to by their place.
      table?.set(0, undefined);
      for (const [at, value] of [undefined, null, true, false].entries()) table?.set(1024 + at, value);
    },
  };
  const imports: WebAssembly.Imports = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    const call = known[name.replace(/_[0-9a-f]{16}$/, "")];
    if (!call) throw new Error(`the module wants an unknown import, ${name}`);
    imports[from] = { ...imports[from], [name]: call };
  }
  const { exports } = await WebAssembly.instantiate(module, imports);
  instance = new Instance(exports as unknown as InitOutput);
  instance.exports.__wbindgen_start();
  return instance;
}

/** A running module. */
export class Instance implements Pure {
  readonly exports: InitOutput;

  constructor(exports: InitOutput) {
    this.exports = exports;
  }

  /** The text at that address, left where it is. */
  text(at: number, length: number): string {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(
      new Uint8Array(this.exports.memory.buffer, at, length),
    );
  }

  validate(envelope: Uint8Array): string {
    return this.#takeText(this.exports.core_validate(this.#give(envelope), envelope.length));
  }

  computeStaleness(...input: Parameters<InitOutput["computeStaleness"]>): Float64Array {
    return this.#takeArray(Float64Array, this.exports.computeStaleness(...input));
  }

  /** Makes a core in this instance. */
  core(): CoreInstance {
    const { exports } = this;
    const at = exports.core_new();
    const core: CoreBinding = {
      changed: () => this.#takeArray(Uint32Array, exports.core_changed(at)),
      counters: () => this.#takeText(exports.core_counters(at)),
      flush: (nowMs) => exports.core_flush(at, nowMs),
      forget: (id) => exports.core_forget(at, id),
      free: () => exports.__wbg_core_free(at, 0),
      historyPage: (id, length) => this.#orThrow(exports.core_historyPage(at, id, length)),
      ingestFrame: (length, nowMs, link) => exports.core_ingestFrame(at, length, nowMs, link),
      ingestSse: (length, nowMs, link) => exports.core_ingestSse(at, length, nowMs, link),
      ingestMore: (nowMs) => exports.core_ingestMore(at, nowMs),
      ingestPoll: (length, nowMs, link) => exports.core_ingestPoll(at, length, nowMs, link),
      inputPtr: (length) => exports.core_inputPtr(at, length) >>> 0,
      linkDown: (link) => exports.core_linkDown(at, link),
      linkUp: (nowMs, link) => exports.core_linkUp(at, nowMs, link),
      nextChangeMs: () => exports.core_nextChangeMs(at),
      notices: () => this.#takeText(exports.core_notices(at)),
      open: (name, link) => {
        const bytes = new TextEncoder().encode(name);
        return this.#orThrow(exports.core_open(at, this.#give(bytes), bytes.length, link));
      },
      pollCursor: (link) => this.#takeOptional(exports.core_pollCursor(at, link)),
      readBars: (id, limit) => this.#takeArray(Float64Array, exports.core_readBars(at, id, limit)),
      readCounts: (id) => exports.core_readCounts(at, id),
      readData: (id) => this.#takeOptional(exports.core_readData(at, id)),
      readHead: (id) => exports.core_readHead(at, id),
      readTick: (id) => exports.core_readTick(at, id),
      scratchPtr: () => exports.core_scratchPtr(at) >>> 0,
      since: (id) => this.#takeOptional(exports.core_since(at, id)),
      sseRetryMs: (link) => exports.core_sseRetryMs(at, link),
      startOver: (id) => exports.core_startOver(at, id) !== 0,
      takeEvents: (id) => this.#takeOptional(exports.core_takeEvents(at, id)),
      tap: (id, on) => exports.core_tap(at, id, Number(on)),
      tighten: (id, staleMs) => exports.core_tighten(at, id, staleMs),
    };
    return { memory: exports.memory, core };
  }

  /** Copies bytes in. The function that they are given to frees them. */
  #give(bytes: Uint8Array): number {
    const at = this.exports.__wbindgen_malloc(bytes.length, 1) >>> 0;
    new Uint8Array(this.exports.memory.buffer).set(bytes, at);
    return at;
  }

  #takeText([at, length]: Span): string {
    const text = this.text(at >>> 0, length);
    this.exports.__wbindgen_free(at, length, 1);
    return text;
  }

  #takeOptional(span: Span): string | undefined {
    return span[0] === 0 ? undefined : this.#takeText(span);
  }

  #takeArray<T extends Float64Array | Uint32Array>(
    Type: { new (buffer: ArrayBuffer, at: number, length: number): T; BYTES_PER_ELEMENT: number },
    [at, length]: Span,
  ): T {
    const size = Type.BYTES_PER_ELEMENT;
    const copy = new Type(this.exports.memory.buffer, at >>> 0, length).slice() as T;
    this.exports.__wbindgen_free(at, length * size, size);
    return copy;
  }

  /** The value, or the error that stands in its place. */
  #orThrow([value, error, isError]: [value: number, error: number, isError: number]): number {
    if (!isError) return value >>> 0;
    const thrown: unknown = this.exports.__wbindgen_externrefs.get(error);
    this.exports.__externref_table_dealloc(error);
    throw thrown;
  }
}
