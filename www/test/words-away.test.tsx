import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";

vi.mock("../src/i18n/tr", () => {
  throw new Error("no way there");
});

import { LanguageSwitch } from "../src/app/LanguageSwitch";
import { chooseLanguage, i18n, language, startLanguage } from "../src/i18n";
import { LANGUAGE_KEY } from "../src/i18n/language";

test("where its words cannot be had the page begins in English, whatever was chosen", async () => {
  localStorage.setItem(LANGUAGE_KEY, "tr");
  await startLanguage();
  expect([language(), document.documentElement.lang]).toEqual(["en", "en"]);
  expect(i18n.t("market:title")).toBe("Market");
  localStorage.clear();
});

test("a language is chosen once its words are there, and not before", async () => {
  await expect(chooseLanguage("tr")).rejects.toThrow();
  expect(localStorage.getItem(LANGUAGE_KEY)).toBeNull();
  expect(language()).toBe("en");
  await chooseLanguage("en");
  expect(localStorage.getItem(LANGUAGE_KEY)).toBe("en");
});

test("whoever chooses it is told", async () => {
  render(
    <MantineProvider env="test">
      <LanguageSwitch />
    </MantineProvider>,
  );
  await userEvent.click(screen.getByRole("radio", { name: "TR" }));
  expect((await screen.findByRole("alert")).textContent).toContain("could not be downloaded");
  expect((screen.getByRole("radio", { name: "EN" }) as HTMLInputElement).checked).toBe(true);
});
