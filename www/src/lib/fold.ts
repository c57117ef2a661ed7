/**
 * A text as it is searched in: without case and without marks. `I`, `ı`, `İ` and `i` are one letter, since codes and
 * symbols are typed on keyboards of either language.
 */
export function fold(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replaceAll("ı", "i");
}
