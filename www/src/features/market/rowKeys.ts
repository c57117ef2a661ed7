import { fold } from "../../lib/fold";

/**
 * Where a key press in the watch list leads, as an index, or null when the key means nothing here.
 * Arrow keys stop at the ends; a letter goes to the next symbol that starts with it, around the end.
 */
export function nextRow(key: string, current: number, symbols: readonly string[]): number | null {
  const last = symbols.length - 1;
  if (last < 0) return null;
  switch (key) {
    case "ArrowDown":
      return Math.min(current + 1, last);
    case "ArrowUp":
      return Math.max(current - 1, 0);
    case "Home":
      return 0;
    case "End":
      return last;
    case "Enter":
    case " ":
      return Math.max(current, 0);
    default:
      return key.length === 1 ? rowByLetter(key, current, symbols) : null;
  }
}

function rowByLetter(letter: string, current: number, symbols: readonly string[]): number | null {
  const wanted = fold(letter);
  for (let step = 1; step <= symbols.length; step += 1) {
    const index = (Math.max(current, -1) + step) % symbols.length;
    if (fold(symbols[index] ?? "").startsWith(wanted)) return index;
  }
  return null;
}
