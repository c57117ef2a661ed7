/** Writes the factory of the bindings, unless it is newer than what it is made from. */
export function writeGlue(): Promise<void>;
