import { Skeleton, VisuallyHidden } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Panel } from "../components/Panel";
import classes from "./Shell.module.css";

/** A view while its code is on the way. */
export function ViewLoading() {
  const { t } = useTranslation();
  return (
    <Panel labelledBy="view-loading" className={classes.loading}>
      <h2 id="view-loading">
        <VisuallyHidden role="status">{t("loading")}</VisuallyHidden>
      </h2>
      <Skeleton width="12rem" height="1.25rem" radius="sm" />
      <Skeleton width="24rem" maw="100%" height="0.875rem" radius="sm" />
    </Panel>
  );
}
