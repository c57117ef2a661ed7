import { VisuallyHidden } from "@mantine/core";
import { useTranslation } from "react-i18next";
import classes from "./ChartPlaceholder.module.css";

/** Heights of the bars that stand in for candles, in percent; and how far they hang. */
const SHAPES = [
  [30, 40], [22, 46], [28, 42], [18, 34], [26, 28], [34, 30], [20, 40], [24, 48], [32, 36], [22, 26],
  [28, 20], [36, 24], [24, 32], [20, 38], [30, 30], [26, 22], [34, 16], [22, 20], [28, 26], [24, 18],
] as const; // biome-ignore format: pairs read better side by side

/** Stands where the candles will be, in the same room, so that nothing moves when they come. */
export function ChartPlaceholder() {
  const { t } = useTranslation("market");
  return (
    <div className={classes.box}>
      <VisuallyHidden>{t("chart.loading")}</VisuallyHidden>
      <div className={classes.bars} aria-hidden="true">
        {SHAPES.map(([height, top], index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the list never changes
          <span key={index} className={classes.bar} style={{ height: `${height}%`, top: `${top}%` }} />
        ))}
      </div>
    </div>
  );
}
