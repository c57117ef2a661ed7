/** A data file of so many bars of a minute, whose prices wander the same way each time. */
export function wanderingBars(count: number): string {
  const lines = ["Date,Open,High,Low,Close,Volume"];
  let state = 7;
  let price = 100;
  for (let at = 0; at < count; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const next = Math.max(1, Math.round(100 * price + 200 * (state / 2 ** 32 - 0.5)) / 100);
    const date = new Date(Date.UTC(2000, 0, 1) + at * 60_000).toISOString();
    lines.push([date, price, Math.max(price, next), Math.min(price, next), next, 100].join());
    price = next;
  }
  return lines.join("\n");
}
