import type { CandleSeries } from "@spark/live-core";
import {
  CandlestickSeries,
  CrosshairMode,
  createChart,
  HistogramSeries,
  type IChartApi,
  type ISeriesApi,
  type LogicalRange,
  type MouseEventParams,
  type Time,
  type UTCTimestamp,
} from "lightweight-charts";
import { chartLook } from "../../lib/chartLook";
import { formatBarTime, formatPrice, formatVolume, locale } from "../../lib/format";
import { DAY } from "../../lib/intervals";
import type { ChartPalette } from "../../lib/palette";
import { indexOfTime, planDraw } from "./drawPlan";

/** What the chart tells its owner. */
export interface ChartEvents {
  /** Open time of the bar under the pointer; null when the pointer has left. */
  onInspect(openTime: number | null): void;
  /** The oldest bar has come into view. */
  onOldestInView(): void;
  /** Whether the newest bar is in view. */
  onNewestInView(inView: boolean): void;
}

/** Empty bars kept to the right of the newest one. */
const RIGHT_MARGIN = 4;
/** Bars that fell out of the series and may still be drawn, before all are drawn anew: a quarter of an hour of seconds. */
const FALLEN_MAX = 1_000;
/** Bars left of the view at which older ones are asked for. */
const NEAR_OLDEST = 20;

/**
 * The canvas chart behind a small face: bars in, colours in, events out. It holds no React and decides
 * nothing about data; {@link planDraw} says what has to be drawn again.
 */
export class ChartController {
  readonly #chart: IChartApi;
  readonly #candles: ISeriesApi<"Candlestick">;
  readonly #volume: ISeriesApi<"Histogram">;
  readonly #events: ChartEvents;
  #palette: ChartPalette;
  #drawn: CandleSeries | null = null;
  /** Bars that the chart holds: those of the series, and those that fell out of it since all were drawn. */
  #count = 0;
  /** Whether the crosshair was put where it is by a key. */
  #cursorHeld = false;

  constructor(element: HTMLElement, palette: ChartPalette, events: ChartEvents) {
    this.#events = events;
    this.#palette = palette;
    this.#chart = createChart(element, {
      autoSize: true,
      crosshair: { mode: CrosshairMode.Magnet },
      timeScale: {
        rightOffset: RIGHT_MARGIN,
        minBarSpacing: 0.2,
        // A span stays the same span when the room for it changes: the copilot is opened beside it, or the numbers of the
        // axis grow with the history that comes in under the first live bars.
        lockVisibleTimeRangeOnResize: true,
      },
      rightPriceScale: { scaleMargins: { top: 0.08, bottom: 0.06 }, entireTextOnly: true },
      handleScroll: { vertTouchDrag: false },
    });
    this.#candles = this.#chart.addSeries(CandlestickSeries, {
      borderVisible: false,
      priceFormat: { type: "custom", formatter: formatPrice, minMove: 0.01 },
    });
    this.#volume = this.#chart.addSeries(
      HistogramSeries,
      {
        priceFormat: { type: "custom", formatter: formatVolume, minMove: 1 },
        priceLineVisible: false,
        lastValueVisible: false,
      },
      1,
    );
    this.#volume.priceScale().applyOptions({ scaleMargins: { top: 0.12, bottom: 0 }, entireTextOnly: true });
    const [prices, volumes] = this.#chart.panes();
    prices?.setStretchFactor(0.8);
    volumes?.setStretchFactor(0.2);
    this.setPalette(palette);
    this.#chart.subscribeCrosshairMove(this.#onCrosshair);
    this.#chart.timeScale().subscribeVisibleLogicalRangeChange(this.#onRange);
  }

  /** Frees the canvas. The controller must not be used afterwards. */
  destroy(): void {
    this.#chart.remove();
  }

  /** Says how long a bar is, in milliseconds: the time axis shows times of day where they differ. */
  setBarLength(lengthMs: number): void {
    this.#chart.applyOptions({
      timeScale: { timeVisible: lengthMs < DAY, secondsVisible: lengthMs < 60_000 },
      localization: {
        locale: locale(),
        timeFormatter: (time: Time) => formatBarTime(typeof time === "number" ? time * 1000 : null, lengthMs),
      },
    });
  }

  /** Takes other colours and the present text size. */
  setPalette(palette: ChartPalette): void {
    this.#palette = palette;
    this.#chart.applyOptions(chartLook(palette));
    this.#candles.applyOptions({
      upColor: palette.up,
      downColor: palette.down,
      wickUpColor: palette.up,
      wickDownColor: palette.down,
    });
    const drawn = this.#drawn;
    if (!drawn) return;
    this.#volume.setData(everyIndex(drawn).map((i) => this.#volumeBar(drawn, i)));
    this.#tintLastPrice(drawn);
  }

  /** Draws a series: only its last bars when only they changed. */
  draw(series: CandleSeries): void {
    const plan = planDraw(this.#drawn, series);
    const isHeavy = this.#count - series.length > FALLEN_MAX;
    if (plan.kind === "replace" || isHeavy) {
      this.#candles.setData(everyIndex(series).map((i) => candle(series, i)));
      this.#volume.setData(everyIndex(series).map((i) => this.#volumeBar(series, i)));
      this.#count = series.length;
    } else if (plan.kind === "update") {
      const newest = this.#drawn?.openTime[this.#drawn.length - 1] ?? 0;
      for (let i = plan.from; i < series.length; i += 1) {
        const time = series.openTime[i] ?? 0;
        const isOlder = time < newest;
        if (time > newest) this.#count += 1;
        this.#candles.update(candle(series, i), isOlder);
        this.#volume.update(this.#volumeBar(series, i), isOlder);
      }
    }
    this.#drawn = series;
    this.#tintLastPrice(series);
  }

  /** Shows the newest bars, so many of them; Infinity for all. */
  showNewest(bars: number): void {
    const last = this.#count - 1;
    if (last < 0) return;
    const from = Number.isFinite(bars) ? last - bars + 1 : 0;
    this.#chart.timeScale().setVisibleLogicalRange({ from, to: last + RIGHT_MARGIN });
  }

  /** Brings the newest bar back into view and leaves the zoom as it is. */
  scrollToNewest(): void {
    this.#chart.timeScale().scrollToPosition(RIGHT_MARGIN, false);
  }

  /** Makes bars wider (above 1) or narrower (below 1) around the right edge. */
  zoom(factor: number): void {
    const scale = this.#chart.timeScale();
    const range = scale.getVisibleLogicalRange();
    if (range)
      scale.setVisibleLogicalRange({ from: range.to - (range.to - range.from) / factor, to: range.to });
  }

  /** Puts the crosshair on a bar by index and scrolls it into view; null takes it away. */
  moveCursor(index: number | null): void {
    const series = this.#drawn;
    const close = index === null ? undefined : series?.close[index];
    const time = index === null ? undefined : series?.openTime[index];
    if (!series || index === null || close === undefined || time === undefined) {
      this.#cursorHeld = false;
      this.#chart.clearCrosshairPosition();
      return;
    }
    this.#cursorHeld = true;
    // Bars that fell out of the series may still be drawn: the chart counts them, the series does not.
    const offset = this.#count - series.length;
    this.#bringIntoView(index + offset);
    this.#chart.setCrosshairPosition(close, seconds(time), this.#candles);
  }

  /** The last price's label is text on a colour, which must be darker than that of a candle. */
  #tintLastPrice(series: CandleSeries): void {
    const { upLabel, downLabel } = this.#palette;
    const color = isRising(series, series.length - 1) ? upLabel : downLabel;
    if (this.#candles.options().priceLineColor !== color)
      this.#candles.applyOptions({ priceLineColor: color });
  }

  #bringIntoView(logical: number): void {
    const scale = this.#chart.timeScale();
    const range = scale.getVisibleLogicalRange();
    if (!range || (logical >= range.from && logical <= range.to)) return;
    const width = range.to - range.from;
    const from = logical < range.from ? logical - 1 : logical + 1 - width;
    scale.setVisibleLogicalRange({ from, to: from + width });
  }

  #onCrosshair = (event: MouseEventParams): void => {
    if (this.#cursorHeld && event.sourceEvent === undefined) return;
    this.#cursorHeld = false;
    const time = event.point && typeof event.time === "number" ? event.time * 1000 : Number.NaN;
    const held = this.#drawn !== null && indexOfTime(this.#drawn.openTime, time) >= 0;
    this.#events.onInspect(held ? time : null);
  };

  #onRange = (range: LogicalRange | null): void => {
    const bars = this.#count;
    if (!range || bars === 0) return;
    const isNewestInView = range.to >= bars - 1.5;
    this.#events.onNewestInView(isNewestInView);
    // The label is that of the last bar in view, which reads like the present price when it is not.
    if (this.#candles.options().lastValueVisible !== isNewestInView) {
      this.#candles.applyOptions({ lastValueVisible: isNewestInView });
    }
    if (range.from < NEAR_OLDEST) this.#events.onOldestInView();
  };

  #volumeBar(series: CandleSeries, index: number) {
    return {
      time: seconds(series.openTime[index] ?? 0),
      value: series.volume[index] ?? 0,
      color: isRising(series, index) ? this.#palette.upSoft : this.#palette.downSoft,
    };
  }
}

function candle(series: CandleSeries, index: number) {
  return {
    time: seconds(series.openTime[index] ?? 0),
    open: series.open[index] ?? 0,
    high: series.high[index] ?? 0,
    low: series.low[index] ?? 0,
    close: series.close[index] ?? 0,
  };
}

function isRising(series: CandleSeries, index: number): boolean {
  return (series.close[index] ?? 0) >= (series.open[index] ?? 0);
}

function everyIndex(series: CandleSeries): number[] {
  return Array.from({ length: series.length }, (_, index) => index);
}

function seconds(timeMs: number): UTCTimestamp {
  return Math.floor(timeMs / 1000) as UTCTimestamp;
}
