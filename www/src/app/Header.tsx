import { Brand } from "./Brand";
import classes from "./Header.module.css";
import { SourceBadge } from "./SourceBadge";
import { ThemeSwitch } from "./ThemeSwitch";

/** The product's name, what the feed of the selected symbol is, and the choice of theme. */
export function Header({ source, symbol }: { source: string | null; symbol: string | null }) {
  return (
    <header className={classes.header}>
      <Brand />
      {source !== null && <SourceBadge source={source} symbol={symbol} />}
      <div className={classes.end}>
        <ThemeSwitch />
      </div>
    </header>
  );
}
