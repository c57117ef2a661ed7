import { expect, test } from "vitest";
import { asSentence } from "../src/features/chart/trouble";

test.each([
  ["no such channel", "No such channel."],
  [" Too many requests. ", "Too many requests."],
  ["", ""],
])("the message %o reads %o", (message, sentence) => {
  expect(asSentence(message)).toBe(sentence);
});
