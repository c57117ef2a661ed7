import { Loader, VisuallyHidden } from "@mantine/core";
import type { LiveError } from "@spark/live-core";
import { Trans, useTranslation } from "react-i18next";
import { ErrorLink } from "../components/ErrorLink";
import { AlertIcon, EmptyIcon } from "../components/icons";
import { Notice } from "../components/Notice";
import { Panel } from "../components/Panel";
import classes from "./EmptyPages.module.css";

/** The gateway answers and serves nothing: words for whoever runs it. */
export function NoSymbols() {
  const { t } = useTranslation("market");
  return (
    <Panel labelledBy="no-symbols" className={classes.whole}>
      <VisuallyHidden component="h2" id="no-symbols">
        {t("title")}
      </VisuallyHidden>
      <Notice icon={<EmptyIcon />} title={t("empty.none")}>
        <Trans t={t} i18nKey="empty.noneText" components={[<code key="code" />]} />
      </Notice>
    </Panel>
  );
}

/** The list of symbols cannot be had; the client keeps asking. */
export function NoGateway({ error }: { error: LiveError | null }) {
  const { t } = useTranslation("market");
  return (
    <Panel labelledBy="no-gateway" className={classes.whole}>
      <VisuallyHidden component="h2" id="no-gateway">
        {t("title")}
      </VisuallyHidden>
      <Notice
        icon={<AlertIcon />}
        title={t("empty.away")}
        urgent
        action={
          <span className={classes.foot}>
            <Loader size="xs" type="dots" color="var(--text-faint)" aria-hidden="true" />
            {error && <ErrorLink code={error.code} />}
          </span>
        }
      >
        {t("empty.awayText")}
      </Notice>
    </Panel>
  );
}
