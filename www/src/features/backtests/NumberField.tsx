import { TextInput } from "@mantine/core";

/** Properties of {@link NumberField}. */
export interface NumberFieldProps {
  name: string;
  label: string;
  /** The unit, or whatever else is to be known. */
  description?: string;
  value: string;
  onChange: (value: string) => void;
  error: string | undefined;
}

/** A number as it is typed: a text, since what is half typed is no number yet. */
export function NumberField({ onChange, ...props }: NumberFieldProps) {
  return (
    <TextInput
      {...props}
      onChange={(event) => onChange(event.currentTarget.value)}
      inputMode="decimal"
      autoComplete="off"
    />
  );
}
