import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import en from "./en";
import { firstLanguage, type Language, storedLanguage, storeLanguage } from "./language";

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "common";
    resources: typeof en;
  }
}

/** The words of the page. English comes with it; another language is downloaded when it is chosen. */
export const i18n = i18next.createInstance();

/**
 * Begins with the language of the address, of this device, or of the browser. Resolves when its words are there; where
 * they cannot be had, the page speaks English.
 */
export async function startLanguage(): Promise<void> {
  await i18n.use(initReactI18next).init({
    resources: { en },
    lng: "en",
    fallbackLng: "en",
    ns: Object.keys(en),
    defaultNS: "common",
    // React escapes what it shows.
    interpolation: { escapeValue: false },
    initAsync: false,
  });
  const first = firstLanguage(window.location.search, storedLanguage(), navigator.languages);
  await speak(first).catch(() => speak("en"));
}

/**
 * Changes the language, and keeps the choice once its words are there. Rejects where they cannot be had: then the page goes
 * on in the language that it speaks.
 */
export async function chooseLanguage(language: Language): Promise<void> {
  await speak(language);
  storeLanguage(language);
}

/** The language that the page speaks now. */
export function language(): Language {
  return i18n.language === "tr" ? "tr" : "en";
}

async function speak(next: Language): Promise<void> {
  if (next === "tr" && !i18n.hasResourceBundle("tr", "common")) {
    const { default: words } = await import("./tr");
    for (const [group, texts] of Object.entries(words)) i18n.addResourceBundle("tr", group, texts);
  }
  await i18n.changeLanguage(next);
  document.documentElement.lang = next;
}
