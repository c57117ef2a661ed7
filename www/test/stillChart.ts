/** Charts without a canvas: those are looked at in a browser, and happy-dom has none. */
import { vi } from "vitest";

/** In place of the market's chart. */
export class ChartController {
  draw = vi.fn();
  setPalette = vi.fn();
  showNewest = vi.fn();
  setBarLength = vi.fn();
  scrollToNewest = vi.fn();
  zoom = vi.fn();
  moveCursor = vi.fn();
  destroy = vi.fn();
}

/** How often the view was fitted to all there is. */
export const fitted = vi.fn();

/** In place of the canvas of a curve. */
export function makeCanvas() {
  return {
    chart: {
      timeScale: () => ({ fitContent: fitted }),
      subscribeCrosshairMove: () => {},
      remove: () => {},
    },
  };
}

export const draw = vi.fn();
export const paint = vi.fn();
export const speak = vi.fn();
