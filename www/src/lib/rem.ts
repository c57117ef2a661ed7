/** What a rem is now, in pixels: it grows with the window, for a wall is read from the same distance. */
export function remPx(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
}
