/**
 * The path of a line through `values`, first to last, within a box. A flat line runs through the middle.
 * Empty for fewer than two values.
 */
export function trendPath(values: ArrayLike<number>, width: number, height: number, inset = 1.5): string {
  if (values.length < 2) return "";
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i += 1) {
    low = Math.min(low, values[i] ?? low);
    high = Math.max(high, values[i] ?? high);
  }
  const span = high - low;
  const stepX = (width - 2 * inset) / (values.length - 1);
  let path = "";
  for (let i = 0; i < values.length; i += 1) {
    const share = span === 0 ? 0.5 : ((values[i] ?? low) - low) / span;
    const x = inset + i * stepX;
    const y = inset + (1 - share) * (height - 2 * inset);
    path += `${i === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
  }
  return path;
}
