import { Button } from "@mantine/core";
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
      <h2 id="not-found" hidden>
        {t("notFound.title")}
      </h2>
      <Notice icon={<EmptyIcon />} title={t("notFound.title")}>
        {t("notFound.text")}
        <Button component={Link} href={ROUTES.market} mt="md">
          {t("notFound.link")}
        </Button>
      </Notice>
    </Panel>
  );
}
