import { writeGlue } from "../glue.mjs";

/** The sources import the generated bindings as a factory, which is made here when it is missing or old. */
export default async function setup(): Promise<void> {
  await writeGlue();
}
