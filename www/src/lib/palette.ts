/** The colours that the canvas needs. They are read from the page's tokens, so that both always agree. */
export interface ChartPalette {
  surface: string;
  text: string;
  grid: string;
  line: string;
  crosshair: string;
  label: string;
  up: string;
  down: string;
  upSoft: string;
  downSoft: string;
  upLabel: string;
  downLabel: string;
  accent: string;
  accentSoft: string;
}

/** Reads the tokens as they are in the present theme. */
export function readPalette(element: Element): ChartPalette {
  const style = getComputedStyle(element);
  const token = (name: string): string => style.getPropertyValue(name).trim();
  return {
    surface: token("--surface"),
    text: token("--text-faint"),
    grid: token("--grid"),
    line: token("--line"),
    crosshair: token("--crosshair"),
    label: token("--chart-label"),
    up: token("--up-fill"),
    down: token("--down-fill"),
    upSoft: token("--up-volume"),
    downSoft: token("--down-volume"),
    upLabel: token("--up-label"),
    downLabel: token("--down-label"),
    accent: token("--accent"),
    accentSoft: token("--accent-soft"),
  };
}
