import { useTranslation } from "react-i18next";
import { Link, useRoute } from "wouter";
import { ROUTES } from "../lib/routes";
import classes from "./Nav.module.css";

const VIEWS = ["market", "backtests", "status"] as const;

/** The way to each view. */
export function Nav() {
  const { t } = useTranslation();
  return (
    <nav className={classes.nav} aria-label={t("nav.label")}>
      {VIEWS.map((view) => (
        <NavLink key={view} to={ROUTES[view]} name={t(`nav.${view}`)} />
      ))}
    </nav>
  );
}

function NavLink({ to, name }: { to: string; name: string }) {
  const [isHere] = useRoute(to === ROUTES.market ? to : `${to}/*?`);
  return (
    <Link href={to} className={classes.link} aria-current={isHere ? "page" : undefined}>
      {name}
    </Link>
  );
}
