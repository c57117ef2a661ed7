import {
  AreaSeries,
  type AutoscaleInfo,
  BaselineSeries,
  createChart,
  type IChartApi,
  type ISeriesApi,
  type Time,
  type UTCTimestamp,
} from "lightweight-charts";
import { chartLook } from "../../lib/chartLook";
import { formatBacktestTime, formatPrice, formatRatio, locale } from "../../lib/format";
import { readPalette } from "../../lib/palette";
import type { Point } from "./curve";

/** The two curves on their canvas. */
export interface EquityCanvas {
  chart: IChartApi;
  equity: ISeriesApi<"Area">;
  drawdown: ISeriesApi<"Baseline">;
}

/** Draws nothing yet: two panes on one axis of time, in the colours of the page. */
export function makeCanvas(element: HTMLElement): EquityCanvas {
  const chart = createChart(element, {
    autoSize: true,
    timeScale: {
      minBarSpacing: 0.01,
      fixLeftEdge: true,
      fixRightEdge: true,
      // What was in view stays so when the room for it changes, such as with the copilot beside it.
      lockVisibleTimeRangeOnResize: true,
    },
    rightPriceScale: { entireTextOnly: true },
    handleScroll: { vertTouchDrag: false, mouseWheel: false },
    handleScale: { mouseWheel: false },
  });
  const common = { lineWidth: 2, priceLineVisible: false, lastValueVisible: false } as const;
  const equity = chart.addSeries(AreaSeries, common);
  const drawdown = chart.addSeries(
    BaselineSeries,
    {
      ...common,
      lineWidth: 1,
      baseValue: { type: "price", price: 0 },
      // From the highest equity down; without any fall there is room for one.
      autoscaleInfoProvider: (usual: () => AutoscaleInfo | null) => {
        const deepest = usual()?.priceRange?.minValue ?? 0;
        return { priceRange: { minValue: Math.min(deepest, -0.01), maxValue: 0 } };
      },
    },
    1,
  );
  drawdown.priceScale().applyOptions({ scaleMargins: { top: 0.06, bottom: 0.08 }, entireTextOnly: true });
  const [above, below] = chart.panes();
  above?.setStretchFactor(0.72);
  below?.setStretchFactor(0.28);
  const made = { chart, equity, drawdown };
  paint(made, element);
  return made;
}

/** Takes the colours and the text size that the page has now. */
export function paint({ chart, equity, drawdown }: EquityCanvas, element: HTMLElement): void {
  const palette = readPalette(element);
  chart.applyOptions(chartLook(palette));
  equity.applyOptions({
    lineColor: palette.accent,
    topColor: palette.accentSoft,
    bottomColor: palette.surface,
  });
  drawdown.applyOptions({
    topLineColor: palette.down,
    bottomLineColor: palette.down,
    topFillColor1: "transparent",
    topFillColor2: "transparent",
    bottomFillColor1: palette.downSoft,
    bottomFillColor2: palette.downSoft,
  });
}

/** Writes the numbers of both axes, and times, in the language that the page speaks now. */
export function speak({ chart, equity, drawdown }: EquityCanvas): void {
  equity.applyOptions({ priceFormat: { type: "custom", formatter: formatPrice, minMove: 0.01 } });
  drawdown.applyOptions({ priceFormat: { type: "custom", formatter: formatRatio, minMove: 0.0001 } });
  chart.applyOptions({
    localization: {
      locale: locale(),
      timeFormatter: (time: Time) => (typeof time === "number" ? formatBacktestTime(time * 1_000) : ""),
    },
  });
}

/** Draws the points, with times of day where bars are shorter than a day. What is in view stays so. */
export function draw({ chart, equity, drawdown }: EquityCanvas, points: readonly Point[]): void {
  const at = ({ time }: Point): UTCTimestamp => time as UTCTimestamp;
  chart.applyOptions({ timeScale: { timeVisible: points.some(({ time }) => time % 86_400 !== 0) } });
  equity.setData(points.map((point) => ({ time: at(point), value: point.equity })));
  drawdown.setData(points.map((point) => ({ time: at(point), value: -point.drawdown })));
}
