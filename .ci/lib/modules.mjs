// Whether node_modules holds what package-lock.json names. npm keeps its own record of what it has put
// there; the two are compared, so that it does not matter who installed: `npm ci` here, or a person.

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

/**
 * The first reason to install again, or null when everything is in place.
 *
 * @param {string} root folder of package-lock.json
 * @returns {string | null}
 */
export function reasonToInstall(root) {
  const record = path.join(root, "node_modules", ".package-lock.json");
  if (!existsSync(record)) return "nothing is installed";
  const wanted = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8")).packages;
  const installed = JSON.parse(readFileSync(record, "utf8")).packages;
  for (const [place, entry] of Object.entries(wanted)) {
    if (!place.includes("node_modules/")) continue;
    const found = installed[place];
    if (!found || !existsSync(path.join(root, place))) {
      // What is optional is left out on machines that it is not made for.
      if (entry.optional || entry.devOptional || entry.peer) continue;
      return `${place} is missing`;
    }
    if (found.version !== entry.version || found.integrity !== entry.integrity) return `${place} has changed`;
  }
  const stray = Object.keys(installed).find((place) => place.includes("node_modules/") && !wanted[place]);
  return stray ? `${stray} is not wanted any more` : null;
}
