import type { LiveReport } from "./types.js";

/** True in a development build. Bundlers replace the expression; a page without one has no `process`. */
function isDevelopment(): boolean {
  try {
    return process.env.NODE_ENV !== "production";
  } catch {
    return false;
  }
}

/** Warns on the console, in development, once for each kind, field and reason. */
export function warnOnce(): (report: LiveReport) => void {
  const seen = new Set<string>();
  return (report) => {
    const key = `${report.kind} ${report.field ?? ""} ${report.reason ?? ""}`;
    if (seen.has(key) || !isDevelopment()) return;
    seen.add(key);
    console.warn(`Spark Live: ${report.message} (${report.code})`);
  };
}
