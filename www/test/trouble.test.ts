import { expect, test } from "vitest";
import { i18n } from "../src/i18n";
import { asSentence, errorDetail } from "../src/lib/errorWords";

test.each([
  ["no such channel", "No such channel."],
  [" Too many requests. ", "Too many requests."],
  ["", ""],
])("the message %o reads %o", (message, sentence) => {
  expect(asSentence(message)).toBe(sentence);
});

test("the gateway's sentence stands only where the page has no words, and is said to be English", () => {
  const detail = (error: Parameters<typeof errorDetail>[1]) =>
    errorDetail(i18n.getFixedT(null, "errors"), error);
  const wrong = { code: "PARAMS_INVALID", message: "from is not a day", field: "from" };
  expect(detail({ ...wrong, reason: "is not a day" })).toEqual({
    text: "from: is not a day such as 2005-01-31",
    lang: undefined,
  });
  expect(detail({ ...wrong, reason: "is too late" })).toEqual({ text: "From is not a day.", lang: "en" });
  expect(detail({ code: "JOB_FAILED", message: "no bars" })).toEqual({ text: "No bars.", lang: "en" });
  expect(detail({ code: "TELEPATHY", message: "no way there" })).toEqual({
    text: "No way there.",
    lang: "en",
  });
  expect(detail({ code: "NETWORK", message: "no way there" })).toBeNull();
});
