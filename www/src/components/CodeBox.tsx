import classes from "./CodeBox.module.css";

/** Text for the careful, in a box of its own that scrolls, by the keyboard too. */
export function CodeBox({ name, children }: { name: string; children: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard
    <section className={classes.box} aria-label={name} tabIndex={0}>
      <pre>{children}</pre>
    </section>
  );
}
