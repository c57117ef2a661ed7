import { language } from "../i18n";

/** What stands between the digits of a number. */
const MARK = /[.,]/;
const MARKS = /[.,]/g;
/** A number whose digits stand in threes; one that begins with a zero does not. */
const THREES = /^[1-9]\d{0,2}(?:[.,]\d{3})+$/;

/**
 * A number as somebody types it; NaN for a text that is none. Both `2,5` and `2.5` are two and a half in every language.
 * Only where a text could be either, such as `1.500`, the page's language says whether it is one and a half or one
 * thousand five hundred.
 */
export function readNumber(text: string): number {
  const typed = text
    .trim()
    .replace(/[\s\u00a0\u202f]/g, "")
    .replace("\u2212", "-");
  if (!/^-?[\d.,]*\d[\d.,]*$/.test(typed)) return Number.NaN;
  const digits = typed.replace("-", "");
  const at = decimalMark(digits);
  const whole = at < 0 ? digits : digits.slice(0, at);
  if (MARK.test(whole) && !THREES.test(whole)) return Number.NaN;
  const value = Number(`${whole.replace(MARKS, "")}.${at < 0 ? "0" : digits.slice(at + 1)}`);
  return typed.startsWith("-") ? -value : value;
}

/** A number as it is typed in the page's language: no thousands apart, nothing rounded. */
export function writeNumber(value: number): string {
  return language() === "tr" ? String(value).replace(".", ",") : String(value);
}

/** Where the mark stands that begins the part below one; -1 without any. */
function decimalMark(digits: string): number {
  const marks = digits.match(MARKS) ?? [];
  const last = Math.max(digits.lastIndexOf("."), digits.lastIndexOf(","));
  if (marks.length === 0) return -1;
  if (marks.length > 1) return new Set(marks).size > 1 ? last : -1;
  const isOwn = marks[0] === (language() === "tr" ? "," : ".");
  return isOwn || !THREES.test(digits) ? last : -1;
}
