import { Button, VisuallyHidden } from "@mantine/core";
import type { CopilotMessage } from "@spark/live-core";
import type { CopilotStream } from "@spark/live-react";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "./CopilotDock.module.css";
import { MessageView } from "./MessageView";

/** How near to its end a list counts as read to the end, in pixels. */
const NEAR_END = 48;

/** Properties of {@link Messages}. */
export interface MessagesProps {
  stream: CopilotStream;
  messages: readonly CopilotMessage[];
  onAsk: (text: string) => void;
}

/** The messages, which stay at their end while somebody reads there. */
export function Messages({ stream, messages, onAsk }: MessagesProps) {
  const { t } = useTranslation("copilot");
  const list = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const wasAtEnd = useRef(true);
  const toEnd = (): void => {
    const box = list.current;
    if (box) box.scrollTop = box.scrollHeight;
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is shown has grown with each change of the messages
  useLayoutEffect(() => {
    if (isAtEnd) toEnd();
  }, [messages, isAtEnd]);
  // A card's backtest, and what is unfolded, grow without a new message.
  useEffect(() => {
    const [box, inside] = [list.current, content.current];
    if (!box || !inside || typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver(() => {
      if (wasAtEnd.current) box.scrollTop = box.scrollHeight;
    });
    observer.observe(inside);
    return () => observer.disconnect();
  }, []);
  const onScroll = (): void => {
    const box = list.current;
    if (!box) return;
    wasAtEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END;
    setAtEnd(wasAtEnd.current);
  };
  return (
    <div className={classes.middle}>
      <div
        className={classes.list}
        ref={list}
        onScroll={onScroll}
        // Whoever unfolds something reads there.
        onClickCapture={({ target }) => {
          if ((target as Element).closest("summary")) wasAtEnd.current = false;
        }}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label={t("title")}
      >
        <div className={classes.messages} ref={content}>
          {messages.map((message, at) => (
            <MessageView
              key={message.id}
              message={message}
              asked={message.role === "assistant" ? wordsBefore(messages, at) : ""}
              onConfirm={stream.confirm}
              onDecline={stream.decline}
              onAsk={onAsk}
            />
          ))}
        </div>
      </div>
      {!isAtEnd && (
        <Button className={classes.newest} size="compact-sm" onClick={toEnd}>
          {t("newest")}
        </Button>
      )}
      <VisuallyHidden role="status">{announcement(messages)}</VisuallyHidden>
    </div>
  );
}

/** What the person had said before an answer; empty where they had only confirmed. */
function wordsBefore(messages: readonly CopilotMessage[], at: number): string {
  const before = messages[at - 1];
  return before?.role === "user" ? before.text : "";
}

/** What a screen reader is told: an answer when it is whole, not each piece of it. */
function announcement(messages: readonly CopilotMessage[]): string {
  const last = messages.at(-1);
  if (last?.role !== "assistant" || last.status === "answering") return "";
  return last.parts.map((part) => (part.kind === "text" ? part.text : "")).join(" ");
}
