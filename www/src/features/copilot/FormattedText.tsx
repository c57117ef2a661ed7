import type { ReactNode } from "react";
import { cx } from "../../lib/cx";
import classes from "./MessageView.module.css";

/** `**strong**` and `` `code` ``, which models write. Everything else is text as it is. */
const MARKS = /(\*\*[^*\n]+\*\*|`[^`\n]+`)/;
/** How a line of a list begins. */
const ITEM = /^\s*(?:([-*•])|\d{1,3}[.)])\s+/;

/** Lines that belong together: of a list, or of a paragraph. */
interface Block {
  kind: "ul" | "ol" | "p";
  lines: string[];
  /** Of a numbered list: the first number. */
  start?: number;
}

/** The text of an answer, with a caret while it grows. */
export function FormattedText({ text, isGrowing }: { text: string; isGrowing: boolean }) {
  return (
    <div className={cx(classes.text, isGrowing && classes.growing)} data-testid="answer-text">
      {blocksOf(text.trim()).map((block, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a text only grows at its end
        <Lines key={at} {...block} />
      ))}
    </div>
  );
}

function Lines({ kind, lines, start }: Block) {
  if (kind === "p") return <p>{marked(lines.join("\n"))}</p>;
  const items = lines.map((line, at) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a text only grows at its end
    <li key={at}>{marked(line)}</li>
  ));
  return kind === "ol" ? <ol start={start}>{items}</ol> : <ul>{items}</ul>;
}

function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  let isNew = true;
  for (const line of text.split("\n")) {
    if (line.trim() === "") {
      isNew = true;
      continue;
    }
    const item = ITEM.exec(line);
    const kind = item === null ? "p" : item[1] === undefined ? "ol" : "ul";
    const last = blocks.at(-1);
    const words = item === null ? line : line.slice(item[0].length);
    // The items of a list may have empty lines between them.
    if (last?.kind === kind && (kind !== "p" || !isNew)) last.lines.push(words);
    else blocks.push({ kind, lines: [words], ...(kind === "ol" && { start: Number.parseInt(line, 10) }) });
    isNew = false;
  }
  return blocks;
}

/** A paragraph with its marks. */
export function marked(text: string): ReactNode[] {
  return text.split(MARKS).map((piece, at) => {
    const key = `${at}`;
    if (/^\*\*.+\*\*$/.test(piece)) return <strong key={key}>{piece.slice(2, -2)}</strong>;
    if (/^`.+`$/.test(piece)) return <code key={key}>{piece.slice(1, -1)}</code>;
    return piece;
  });
}
