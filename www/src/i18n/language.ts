/** A language that the page speaks. */
export type Language = "en" | "tr";

/** The languages by what they call themselves. */
export const LANGUAGES: readonly { value: Language; name: string }[] = [
  { value: "en", name: "English" },
  { value: "tr", name: "Türkçe" },
];

/** Where the choice of language is kept on this device. */
export const LANGUAGE_KEY = "spark-live-language";

/** The language of that name or tag (`tr-TR`); null for one that the page does not speak. */
export function languageOf(tag: string | null | undefined): Language | null {
  const primary = tag?.toLowerCase().split("-")[0];
  return LANGUAGES.find(({ value }) => value === primary)?.value ?? null;
}

/** By `?lang=` of the address, then by what was chosen here before, then by the browser's languages. */
export function firstLanguage(search: string, stored: string | null, preferred: readonly string[]): Language {
  const asked = languageOf(new URLSearchParams(search).get("lang")) ?? languageOf(stored);
  if (asked) return asked;
  for (const tag of preferred) {
    const spoken = languageOf(tag);
    if (spoken) return spoken;
  }
  return "en";
}

/** What is stored on this device; null where nothing is, or storing is forbidden. */
export function storedLanguage(): string | null {
  try {
    return localStorage.getItem(LANGUAGE_KEY);
  } catch {
    return null;
  }
}

/** Keeps the choice, where that is allowed. */
export function storeLanguage(language: Language): void {
  try {
    localStorage.setItem(LANGUAGE_KEY, language);
  } catch {
    // It lasts as long as the page, then.
  }
}
