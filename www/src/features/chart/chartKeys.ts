/** What a key press does to the chart. */
export type KeyAction = { kind: "point"; index: number | null } | { kind: "zoom"; factor: number };

/** The parts of a key press that count. */
export interface KeyPress {
  key: string;
  shiftKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

const STEP_WITH_SHIFT = 10;

/**
 * What a key press means when the cursor is on bar `current` (null: on none) of `count` bars; null when
 * it means nothing. The first arrow key goes to the newest bar.
 */
export function keyAction(press: KeyPress, current: number | null, count: number): KeyAction | null {
  if (press.ctrlKey || press.metaKey || press.altKey || count === 0) return null;
  const last = count - 1;
  const step = press.shiftKey ? STEP_WITH_SHIFT : 1;
  const to = (index: number): KeyAction => ({ kind: "point", index: Math.max(0, Math.min(last, index)) });
  switch (press.key) {
    case "ArrowLeft":
      return to(current === null ? last : current - step);
    case "ArrowRight":
      return to(current === null ? last : current + step);
    case "Home":
      return to(0);
    case "End":
      return to(last);
    case "Escape":
      return { kind: "point", index: null };
    case "+":
    case "=":
      return { kind: "zoom", factor: 1.25 };
    case "-":
      return { kind: "zoom", factor: 0.8 };
    default:
      return null;
  }
}
