import { Button, VisuallyHidden } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { EmptyIcon } from "../components/icons";
import { Notice } from "../components/Notice";
import { Panel } from "../components/Panel";
import { ROUTES } from "../lib/routes";

/** An address that leads nowhere. */
export function NotFound() {
  const { t } = useTranslation();
  return (
    <Panel labelledBy="not-found">
      <VisuallyHidden component="h2" id="not-found">
        {t("notFound.title")}
      </VisuallyHidden>
      <Notice
        icon={<EmptyIcon />}
        title={t("notFound.title")}
        action={
          <Button component={Link} href={ROUTES.market}>
            {t("notFound.link")}
          </Button>
        }
      >
        {t("notFound.text")}
      </Notice>
    </Panel>
  );
}
