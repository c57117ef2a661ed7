// What a page may download at most, in bytes after gzip; a KB is 1,000 bytes.

/** By what is measured: the files of the packages as they are built here, and as they would be published. */
export const BUDGETS = {
  /** The rules as WebAssembly. */
  module: 54_500,
  /** The default entry with the module inside. */
  whole: 69_800,
  /** The client without the module. The design's goal is 9 KB; ARCHITECTURE.md, "Departures", says what stands in its way. */
  slim: 17_400,
  /** What knows of jobs and of the copilot, each of which is downloaded when the first is watched. */
  later: 11_200,
  /** `stableStringify`, which a page that does not import it does not download. */
  canonical: 1_100,
  /** The hooks, without React and the client. */
  hooks: 4_000,
  /** Types and constants of the wire. */
  envelope: 1_000,
};
