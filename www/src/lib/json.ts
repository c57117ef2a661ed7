/** A value as JSON, for people who want to see exactly what it is. The page writes JSON and never reads any. */
export function asJson(value: unknown, isWide = true): string {
  return JSON.stringify(value, null, isWide ? 2 : 0);
}
