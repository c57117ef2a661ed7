/** Year first with or without marks, and the day first as it is written in Turkish. */
const YEAR_FIRST = /^(\d{4})[-./]?(\d{2})[-./]?(\d{2})$/;
const DAY_FIRST = /^(\d{1,2})\.(\d{1,2})\.(\d{4})$/;

/** The day that somebody has typed, as `2005-01-31`; null for a text that is no day there is. */
export function readDay(text: string): string | null {
  const typed = text.trim();
  const [, year, month, day] = YEAR_FIRST.exec(typed) ?? turned(DAY_FIRST.exec(typed));
  if (!year || !month || !day) return null;
  const iso = `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`;
  const time = Date.parse(`${iso}T00:00:00Z`);
  // A 30th of February would be read as a day of March.
  return Number.isFinite(time) && new Date(time).toISOString().startsWith(iso) ? iso : null;
}

function turned(found: RegExpExecArray | null): (string | undefined)[] {
  return found ? [found[0], found[3], found[2], found[1]] : [];
}
