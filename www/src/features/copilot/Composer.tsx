import { ActionIcon, Textarea } from "@mantine/core";
import type { CopilotState } from "@spark/live-core";
import type { CopilotStream } from "@spark/live-react";
import { type KeyboardEvent, memo, type RefObject, useEffect, useLayoutEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { SendIcon, StopIcon } from "../../components/icons";
import classes from "./CopilotDock.module.css";

/** The longest message that the gateway takes. */
const LONGEST = 4_000;

/** Properties of {@link Composer}. */
export interface ComposerProps {
  status: CopilotState["status"];
  /** Stays the same as long as the conversation does, as the two others do. */
  ask: CopilotStream["ask"];
  stop: CopilotStream["stop"];
  /** Whether a message with that text stands in the list. */
  isListed: (text: string) => boolean;
  box: RefObject<HTMLTextAreaElement | null>;
  /** What was typed and not sent, for when it is opened again. */
  draft: RefObject<string>;
  /** Whether the person has just opened it. */
  takesFocus: boolean;
}

/** Where a person types. Enter sends, Shift+Enter begins a line. An answer that grows does not render it. */
export const Composer = memo(function Composer(props: ComposerProps) {
  const { status, ask, stop, isListed, box, draft: kept, takesFocus } = props;
  const { t } = useTranslation("copilot");
  const [draft, setDraft] = useState(kept.current);
  useLayoutEffect(() => {
    kept.current = draft;
  }, [kept, draft]);
  useEffect(() => {
    if (takesFocus) box.current?.focus({ preventScroll: true });
  }, [box, takesFocus]);
  const isAnswering = status === "answering" || status === "stopping";
  const isBusy = isAnswering || status === "sending" || status === "loading";

  const send = (): void => {
    const text = draft.trim();
    if (text === "" || isBusy) return;
    setDraft("");
    void ask(text).catch(() => {
      // What was not taken stands in the list, with a way to send it again; what came not even that far is typed still.
      if (!isListed(text)) setDraft((now) => now || text);
    });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };

  return (
    <form
      className={classes.composer}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <Textarea
        ref={box}
        className={classes.input}
        aria-label={t("ask")}
        placeholder={t("ask")}
        value={draft}
        onChange={(event) => setDraft(event.currentTarget.value)}
        onKeyDown={onKeyDown}
        maxLength={LONGEST}
        autosize
        minRows={1}
        maxRows={6}
        // A drawer would begin with its first button.
        data-autofocus
        data-testid="copilot-input"
      />
      {isAnswering ? (
        <ActionIcon
          size="lg"
          variant="default"
          onClick={() => {
            // The button goes away with the answer.
            box.current?.focus({ preventScroll: true });
            void stop().catch(() => {});
          }}
          loading={status === "stopping"}
          aria-label={t("stop")}
          data-testid="copilot-stop"
        >
          <StopIcon />
        </ActionIcon>
      ) : (
        <ActionIcon
          size="lg"
          type="submit"
          disabled={draft.trim() === ""}
          loading={status === "sending"}
          aria-label={t("send")}
          data-testid="copilot-send"
        >
          <SendIcon />
        </ActionIcon>
      )}
    </form>
  );
});
