/** How many price channels there are. */
export const CHANNELS = 200;
/** How many of them the page reads at each flush. */
export const READ = 20;
/** How many envelopes come in between two flushes. */
export const PER_WINDOW = 100;
/** Length of each envelope in bytes: a real tick of a short symbol, with no optional field. */
export const ENVELOPE_BYTES = 221;

/** Envelopes of one round, in the forms in which a browser hands them over. */
export interface Round {
  /** For each window its envelopes, each the text of a frame of its own. */
  texts: string[][];
  /** For each window one text frame with all its envelopes, a line each. */
  textFrames: string[];
  /** As `texts`, as the bytes of binary frames. */
  bytes: Uint8Array[][];
  /** As `textFrames`, as the bytes of binary frames. */
  byteFrames: Uint8Array[];
  /** An event for each frame of a window: what tells the client when the frame came. */
  events: Event[];
}

/** Symbol of the channel with this number; two letters, so that envelopes have the length wanted. */
export function symbolOf(index: number): string {
  return `${String.fromCharCode(65 + Math.floor(index / 26))}${String.fromCharCode(65 + (index % 26))}`;
}

/** Name of the channel with this number. */
export function channelOf(index: number): string {
  return `price:${symbolOf(index)}`;
}

/** Numbers of the channels that the page reads: spread over all of them. */
export function channelsRead(): number[] {
  return Array.from({ length: READ }, (_, n) => n * Math.floor(CHANNELS / READ));
}

/**
 * A source of rounds: random walks with a fixed seed. Numbers are written with a fixed count of digits, so
 * that every envelope has the same length, and each channel's `seq` goes up from round to round.
 */
export function corpus(): (windows: number) => Round {
  const random = mulberry(0x5eed);
  const prices = Array.from({ length: CHANNELS }, () => 200 + random() * 600);
  const seqs = new Array<number>(CHANNELS).fill(100_000);
  let ts = 1_700_000_000_000;
  const next = () => {
    const index = Math.floor(random() * CHANNELS);
    prices[index] = Math.min(900, Math.max(110, (prices[index] ?? 0) + random() - 0.5));
    seqs[index] = (seqs[index] ?? 0) + 1;
    ts += 1;
    return envelope(index, seqs[index], ts, prices[index], random);
  };
  return (windows) =>
    inAllForms(Array.from({ length: windows }, () => Array.from({ length: PER_WINDOW }, next)));
}

function envelope(index: number, seq: number, ts: number, price: number, random: () => number): string {
  const symbol = symbolOf(index);
  const volume = 1_000_000 + Math.floor(random() * 8_999_999);
  const change = 1 + random() * 8;
  // A last digit that is not zero keeps the shortest form of the number at this length.
  const fixed = (value: number, decimals: number) =>
    `${value.toFixed(decimals)}${1 + Math.floor(random() * 9)}`;
  const data = `{"symbol":"${symbol}","price":${fixed(price, 1)},"volume":${volume},"change":${fixed(change, 1)},"changePct":${fixed(change / 9, 1)},"marketTime":1362096000000}`;
  return `{"v":1,"event":"price.tick","channel":"price:${symbol}","seq":${seq},"ts":${ts},"ok":true,"errorCode":null,"data":${data}}`;
}

function inAllForms(windows: string[][]): Round {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  const bytes = windows.map((window) => window.map((text) => encoder.encode(text)));
  const byteFrames = windows.map((window) => encoder.encode(window.join("\n")));
  return {
    bytes,
    byteFrames,
    events: Array.from({ length: PER_WINDOW }, () => new Event("message")),
    // Decoded anew: flat strings as a browser makes them of a frame, not the ropes of a template.
    texts: bytes.map((window) => window.map((one) => decoder.decode(one))),
    textFrames: byteFrames.map((frame) => decoder.decode(frame)),
  };
}

/** A small random generator with a seed (mulberry32). */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
