import type { Draft } from "./form";

/** What a group of fields of the form needs. */
export interface FieldsProps {
  draft: Draft;
  change: (next: Partial<Draft>) => void;
  /** What is wrong with a field, by its name; undefined where nothing is. */
  wrong: (field: string) => string | undefined;
}
