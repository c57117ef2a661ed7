import { type ChartOptions, ColorType, type DeepPartial } from "lightweight-charts";
import type { ChartPalette } from "./palette";
import { remPx } from "./rem";

/** How the page's charts look alike: the colours of the theme, the present text size, the page's own font. */
export function chartLook(palette: ChartPalette): DeepPartial<ChartOptions> {
  return {
    layout: {
      background: { type: ColorType.Solid, color: palette.surface },
      textColor: palette.text,
      fontSize: Math.round(remPx() * 0.75),
      fontFamily: getComputedStyle(document.body).fontFamily,
      // The page names and links the library itself, beside the legend.
      attributionLogo: false,
      panes: { separatorColor: palette.line, separatorHoverColor: palette.grid, enableResize: false },
    },
    grid: { vertLines: { color: palette.grid }, horzLines: { color: palette.grid } },
    rightPriceScale: { borderColor: palette.line },
    timeScale: { borderColor: palette.line },
    crosshair: {
      vertLine: { color: palette.crosshair, labelBackgroundColor: palette.label },
      horzLine: { color: palette.crosshair, labelBackgroundColor: palette.label },
    },
  };
}
