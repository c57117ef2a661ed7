import { useComputedColorScheme } from "@mantine/core";
import {
  AreaSeries,
  ColorType,
  createChart,
  type IChartApi,
  type ISeriesApi,
  type UTCTimestamp,
} from "lightweight-charts";
import { useEffect, useLayoutEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { formatPrice, formatRatio, locale } from "../../lib/format";
import { readPalette } from "../../lib/palette";
import type { Point } from "./curve";
import classes from "./EquityChart.module.css";

interface Drawn {
  chart: IChartApi;
  equity: ISeriesApi<"Area">;
  drawdown: ISeriesApi<"Area">;
}

/** Properties of {@link EquityChart}. */
export interface EquityChartProps {
  points: readonly Point[];
  /** What it shows, in a sentence. */
  name: string;
}

/** The equity over its drawdown, on one axis of time. */
export function EquityChart({ points, name }: EquityChartProps) {
  const { t, i18n } = useTranslation("backtests");
  const box = useRef<HTMLDivElement>(null);
  const drawn = useRef<Drawn | null>(null);
  const scheme = useComputedColorScheme("light");

  useLayoutEffect(() => {
    if (!box.current) return;
    const made = makeChart(box.current);
    drawn.current = made;
    return () => {
      drawn.current = null;
      made.chart.remove();
    };
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours are read from the page, and the scheme says when they are others
  useEffect(() => {
    if (box.current && drawn.current) paint(drawn.current, box.current);
  }, [scheme]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the numbers of the axes are written anew in another language
  useEffect(() => {
    const { chart, equity, drawdown } = drawn.current ?? {};
    equity?.setData(points.map(({ time, equity: value }) => ({ time: time as UTCTimestamp, value })));
    drawdown?.setData(
      points.map(({ time, drawdown: part }) => ({ time: time as UTCTimestamp, value: -part })),
    );
    chart?.applyOptions({ localization: { locale: locale() } });
    chart?.timeScale().fitContent();
  }, [points, i18n.language]);

  return (
    <div className={classes.plot}>
      <div
        ref={box}
        className={classes.canvas}
        role="img"
        aria-label={name}
        data-testid="equity-chart"
        data-points={points.length}
      />
      <span className={classes.label}>{t("equity.drawdown")}</span>
    </div>
  );
}

function makeChart(element: HTMLElement): Drawn {
  const chart = createChart(element, {
    autoSize: true,
    timeScale: { minBarSpacing: 0.01, fixLeftEdge: true, fixRightEdge: true },
    rightPriceScale: { entireTextOnly: true },
    handleScroll: { vertTouchDrag: false, mouseWheel: false },
    handleScale: { mouseWheel: false },
  });
  const common = { lineWidth: 2, priceLineVisible: false, lastValueVisible: false } as const;
  const equity = chart.addSeries(AreaSeries, {
    ...common,
    priceFormat: { type: "custom", formatter: formatPrice, minMove: 0.01 },
  });
  const drawdown = chart.addSeries(
    AreaSeries,
    {
      ...common,
      lineWidth: 1,
      invertFilledArea: true,
      priceFormat: { type: "custom", formatter: formatRatio, minMove: 0.0001 },
    },
    1,
  );
  drawdown.priceScale().applyOptions({ scaleMargins: { top: 0, bottom: 0.08 }, entireTextOnly: true });
  const [above, below] = chart.panes();
  above?.setStretchFactor(0.72);
  below?.setStretchFactor(0.28);
  const made = { chart, equity, drawdown };
  paint(made, element);
  return made;
}

function paint({ chart, equity, drawdown }: Drawn, element: HTMLElement): void {
  const palette = readPalette(element);
  const token = (name: string): string => getComputedStyle(element).getPropertyValue(name).trim();
  const rootPx = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
  chart.applyOptions({
    layout: {
      background: { type: ColorType.Solid, color: palette.surface },
      textColor: palette.text,
      fontSize: Math.round(rootPx * 0.75),
      fontFamily: getComputedStyle(document.body).fontFamily,
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
  });
  equity.applyOptions({
    lineColor: token("--accent"),
    topColor: token("--accent-soft"),
    bottomColor: palette.surface,
  });
  drawdown.applyOptions({
    lineColor: palette.down,
    topColor: palette.downSoft,
    bottomColor: palette.downSoft,
  });
}
