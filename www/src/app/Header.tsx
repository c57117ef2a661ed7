import { Brand } from "./Brand";
import classes from "./Header.module.css";
import { ReplayBadge } from "./ReplayBadge";
import { ThemeSwitch } from "./ThemeSwitch";

/** The product's name, what the feed is, and the choice of theme. */
export function Header({ source }: { source: string | null }) {
  return (
    <header className={classes.header}>
      <Brand />
      {source === "replay" && <ReplayBadge />}
      <div className={classes.end}>
        <ThemeSwitch />
      </div>
    </header>
  );
}
