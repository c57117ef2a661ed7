import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { ROUTES } from "../lib/routes";
import classes from "./ErrorNote.module.css";

/** The way to what a code means. */
export function ErrorLink({ code }: { code: string }) {
  const { t } = useTranslation("errors");
  return (
    <Link href={ROUTES.error(code)} className={classes.link}>
      {t("view.link", { code })}
    </Link>
  );
}
