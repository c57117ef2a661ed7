import { Skeleton, VisuallyHidden } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Panel } from "../components/Panel";
import classes from "./LoadingPage.module.css";

const ROWS = ["a", "b", "c", "d", "e"];

/** The page's own shape in grey, until the gateway has said which symbols it serves. */
export function LoadingPage() {
  const { t } = useTranslation(["market", "common"]);
  return (
    <>
      <Panel labelledBy="loading-list">
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
      <Panel labelledBy="loading-chart">
        <h2 id="loading-chart" className={classes.hidden}>
          {t("chart.title")}
        </h2>
        <div className={classes.head} aria-hidden="true">
          <Skeleton width="14rem" height="1.75rem" radius="sm" />
          <Skeleton width="11rem" height="0.75rem" radius="sm" />
        </div>
      </Panel>
    </>
  );
}
