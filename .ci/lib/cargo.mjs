// What cargo knows of the workspace.

import { ask, StepError } from "./shell.mjs";

/**
 * What has cargo choose the same features of the same libraries in every step. It unites those that the chosen packages
 * ask for, so that a build of one package and a test of another would each compile their own Tokio.
 */
export const WHOLE = ["--workspace", "--locked"];

/** The integration tests of the workspace by their package: `{ "live-core": ["store", …], … }`. */
export function integrationTests(output = ask("cargo", ["metadata", "--no-deps", "--format-version", "1"])) {
  if (output === null) throw new StepError("cargo does not say what is in the workspace");
  const { packages } = JSON.parse(output);
  return Object.fromEntries(
    packages.map(({ name, targets }) => [
      name,
      targets.filter(({ kind }) => kind.includes("test")).map((target) => target.name),
    ]),
  );
}

/** Arguments that choose these integration tests. */
export function chosen(names) {
  return names.flatMap((name) => ["--test", name]);
}
