import { Skeleton, VisuallyHidden } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Panel } from "../components/Panel";
import { ChartPlaceholder } from "../features/chart/ChartPlaceholder";
import classes from "./LoadingPage.module.css";

const ROWS = ["a", "b", "c", "d", "e"];

/** The page's own shape in grey, until the gateway has said which symbols it serves. */
export function LoadingPage() {
  const { t } = useTranslation(["market", "common"]);
  return (
    <>
      <Panel labelledBy="loading-list" className={classes.list}>
        <h2 id="loading-list" className={classes.title}>
          {t("list.title")}
        </h2>
        <VisuallyHidden role="status">{t("common:loading")}</VisuallyHidden>
        <div className={classes.columns} />
        {ROWS.map((row) => (
          <div key={row} className={classes.row} aria-hidden="true">
            <div className={classes.stack}>
              <Skeleton width="3.5rem" height="0.875rem" radius="sm" />
              <Skeleton width="5rem" height="0.625rem" radius="sm" />
            </div>
            <Skeleton width="4rem" height="0.875rem" radius="sm" />
            <Skeleton width="3.25rem" height="0.875rem" radius="sm" />
          </div>
        ))}
      </Panel>
      <Panel labelledBy="loading-chart" className={classes.chart}>
        <VisuallyHidden component="h2" id="loading-chart">
          {t("chart.title")}
        </VisuallyHidden>
        <div className={classes.head} aria-hidden="true">
          <Skeleton width="14rem" height="1.75rem" radius="sm" />
          <Skeleton width="11rem" height="0.75rem" radius="sm" />
        </div>
        <div className={classes.legend} />
        <div className={classes.plot}>
          <ChartPlaceholder />
        </div>
      </Panel>
    </>
  );
}
