import { useTranslation } from "react-i18next";
import classes from "./ChartCredit.module.css";

/** Names and links whose library draws the chart. */
export function ChartCredit() {
  const { t } = useTranslation("market");
  return (
    <a
      className={classes.credit}
      href="https://www.tradingview.com/"
      target="_blank"
      rel="noreferrer"
      title="Lightweight Charts, Copyright TradingView, Inc."
    >
      {t("chart.credit")}
    </a>
  );
}
