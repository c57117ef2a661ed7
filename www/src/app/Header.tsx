import type { ReactNode } from "react";
import { Brand } from "./Brand";
import classes from "./Header.module.css";
import { Nav } from "./Nav";
import { Settings } from "./Settings";

/** The product's name, the views, and how the page looks and speaks. `children` come before the last. */
export function Header({ badge, children }: { badge: ReactNode; children: ReactNode }) {
  return (
    <header className={classes.header}>
      <Brand />
      <Nav />
      {badge}
      <div className={classes.end}>
        {children}
        <Settings />
      </div>
    </header>
  );
}
