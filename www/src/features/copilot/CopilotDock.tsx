import { ActionIcon, Button, Drawer, Loader } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import type { CopilotMessage } from "@spark/live-core";
import { type CopilotStream, useLiveStatus } from "@spark/live-react";
import {
  type RefObject,
  useCallback,
  useEffect,
  useEffectEvent,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { ErrorNote } from "../../components/ErrorNote";
import { CrossIcon, PlusIcon, SparkIcon } from "../../components/icons";
import { Composer } from "./Composer";
import classes from "./CopilotDock.module.css";
import { Messages } from "./Messages";

import "./mantine.css";

/** From this width on there is room beside the view. */
const BESIDE = "(min-width: 80em)";

/** Properties of {@link CopilotDock}. */
export interface CopilotDockProps {
  stream: CopilotStream;
  /** What was typed and not sent. */
  draft: RefObject<string>;
  /** Whether the person has opened it by hand, and goes on by typing. */
  takesFocus: boolean;
  onClose: () => void;
  /** Closes it where the view is going to have the focus. */
  onLeave: () => void;
  onClear: () => void;
}

/** The copilot: beside the view where there is room, and else over it. */
export default function CopilotDock(props: CopilotDockProps) {
  const { t } = useTranslation("copilot");
  const isBeside = useMediaQuery(BESIDE, true, { getInitialValueInEffect: false });
  const [path] = useLocation();
  const [first] = useState(path);
  const leave = useEffectEvent(() => {
    if (!isBeside) props.onLeave();
  });
  // Whoever has followed a link wants to see what is under the drawer.
  useEffect(() => {
    if (path !== first) leave();
  }, [path, first]);
  if (isBeside) {
    return (
      <aside className={classes.beside} aria-label={t("title")} data-testid="copilot">
        <Conversation {...props} />
      </aside>
    );
  }
  return (
    <Drawer.Root
      opened
      onClose={props.onClose}
      position="right"
      size="min(28rem, 100vw)"
      padding={0}
      classNames={{ body: classes.drawer, content: classes.content }}
      data-testid="copilot"
      transitionProps={{ duration: 120 }}
    >
      <Drawer.Overlay />
      <Drawer.Content aria-label={t("title")}>
        <Drawer.Body>
          <Conversation {...props} />
        </Drawer.Body>
      </Drawer.Content>
    </Drawer.Root>
  );
}

function Conversation({ stream, draft, takesFocus, onClose, onClear }: Omit<CopilotDockProps, "onLeave">) {
  const { t } = useTranslation(["copilot", "common"]);
  const box = useRef<HTMLTextAreaElement>(null);
  const { ask } = stream;
  /** What is pressed here goes away with what it does: the person goes on by typing. */
  const goOn = useCallback(() => box.current?.focus({ preventScroll: true }), []);
  const clear = useCallback(() => {
    onClear();
    goOn();
  }, [onClear, goOn]);
  const askAgain = useCallback(
    (text: string) => {
      goOn();
      // What fails is told by the state.
      void ask(text).catch(() => {});
    },
    [ask, goOn],
  );
  const { messages, status, error } = stream;
  const isEmpty = messages.length === 0;
  const listed = useRef(messages);
  useLayoutEffect(() => {
    listed.current = messages;
  });
  const isListed = useCallback(
    (text: string) => listed.current.some((it) => it.role === "user" && it.text === text),
    [],
  );
  return (
    <div className={classes.dock}>
      <div className={classes.head}>
        <SparkIcon />
        <h2 className={classes.title}>{t("title")}</h2>
        {!isEmpty && (
          <Button
            size="compact-sm"
            variant="default"
            aria-label={t("clear")}
            title={t("clear")}
            onClick={clear}
            data-testid="copilot-clear"
          >
            <PlusIcon />
            <span className={classes.wide}>{t("clear")}</span>
          </Button>
        )}
        <ActionIcon variant="subtle" color="gray" onClick={onClose} aria-label={t("common:close")}>
          <CrossIcon />
        </ActionIcon>
      </div>
      {status === "loading" && isEmpty ? (
        <p className={classes.loading} role="status">
          <Loader size="xs" aria-hidden="true" /> {t("loading")}
        </p>
      ) : isEmpty ? (
        <Welcome onAsk={askAgain} />
      ) : (
        <Messages stream={stream} messages={messages} onAsk={askAgain} />
      )}
      {status === "missing" && (
        <div className={classes.hint} role="status">
          <p>{t("missing")}</p>
          {isEmpty && (
            <Button size="compact-sm" variant="default" leftSection={<PlusIcon />} onClick={clear}>
              {t("clear")}
            </Button>
          )}
        </div>
      )}
      {status !== "missing" && error && !isShownAlready(error.code, messages) && (
        <div className={classes.hint}>
          <ErrorNote error={error} />
        </div>
      )}
      <Away isAnswering={status === "answering"} />
      <Composer
        status={status}
        ask={ask}
        stop={stream.stop}
        isListed={isListed}
        box={box}
        draft={draft}
        takesFocus={takesFocus}
      />
    </div>
  );
}

/** Whether the error stands beside a message or a card anyway. */
function isShownAlready(code: string, messages: readonly CopilotMessage[]): boolean {
  return messages.some(
    (message) =>
      message.error?.code === code ||
      (message.role === "assistant" &&
        message.parts.some((part) => part.kind === "proposal" && part.error?.code === code)),
  );
}

/** What an empty conversation begins with. */
function Welcome({ onAsk }: { onAsk: (text: string) => void }) {
  const { t } = useTranslation("copilot");
  const examples = (["backtest", "market", "sweep", "health"] as const).map((name) => t(`examples.${name}`));
  return (
    <div className={classes.welcome}>
      <p>{t("intro")}</p>
      <p className={classes.try} id="copilot-examples">
        {t("tryThese")}
      </p>
      <ul className={classes.examples} aria-labelledby="copilot-examples">
        {examples.map((text) => (
          <li key={text}>
            <button type="button" className={classes.example} onClick={() => onAsk(text)}>
              {text}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Away({ isAnswering }: { isAnswering: boolean }) {
  const { t } = useTranslation("copilot");
  const isAway = useLiveStatus(({ status }) => status === "disconnected");
  if (!isAway || !isAnswering) return null;
  return (
    <p className={classes.hint} role="status" data-testid="copilot-away">
      {t("away")}
    </p>
  );
}
