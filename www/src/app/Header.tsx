import { Brand } from "./Brand";
import classes from "./Header.module.css";
import { SourceBadge } from "./SourceBadge";
import { ThemeSwitch } from "./ThemeSwitch";

/** The product's name, what the feed is, and the choice of theme. */
export function Header({ source }: { source: string | null }) {
  return (
    <header className={classes.header}>
      <Brand />
      {source !== null && <SourceBadge source={source} />}
      <div className={classes.end}>
        <ThemeSwitch />
      </div>
    </header>
  );
}
