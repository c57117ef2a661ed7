import { Button } from "@mantine/core";
import { useCopilotStream, useLiveClient } from "@spark/live-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { readAddress } from "../lib/address";
import { JOBS_PAGE } from "../lib/jobs";
import classes from "./Copilot.module.css";
import { lazyPart } from "./lazyPart";
import type { Dock } from "./useDock";
import { useKeptAddress } from "./useKeptAddress";

const CopilotDock = lazyPart(() => import("../features/copilot/CopilotDock"));

/** The copilot's dock. Until it is opened for the first time nothing is downloaded or asked for. */
export function Copilot({ dock, onClose }: { dock: Dock; onClose: () => void }) {
  const [named, setNamed] = useState(() => readAddress(window.location.search).copilot);
  const [wasOpened, setWasOpened] = useState(dock.isOpen);
  if (dock.isOpen && !wasOpened) setWasOpened(true);
  useKeptAddress({ copilot: named });
  return wasOpened && <Conversation dock={dock} onClose={onClose} named={named} onNamed={setNamed} />;
}

/** Properties of {@link Conversation}. */
interface ConversationProps {
  dock: Dock;
  onClose: () => void;
  named: string | null;
  onNamed: (sessionId: string | null) => void;
}

/** The conversation, and what was typed and not sent, which live as long as the page; the dock while it is open. */
function Conversation({ dock, onClose, named, onNamed }: ConversationProps) {
  const { t } = useTranslation();
  const stream = useCopilotStream({ sessionId: named });
  const draft = useRef("");
  const { sessionId } = stream;
  useEffect(() => {
    if (sessionId === null || sessionId === named) return;
    onNamed(sessionId);
  }, [sessionId, named, onNamed]);
  useListedJobs(stream.messages);
  if (!dock.isOpen) return null;
  const clear = (): void => {
    stream.clear();
    onNamed(null);
  };
  return (
    <div className={classes.place}>
      <CopilotDock
        props={{ stream, draft, takesFocus: dock.isByHand, onClose, onLeave: dock.close, onClear: clear }}
        fallback={<div className={classes.reserved} />}
        action={
          <Button variant="default" onClick={onClose}>
            {t("close")}
          </Button>
        }
      />
    </div>
  );
}

/** Has the list of backtests, where one is shown, read anew when a card has started one. */
function useListedJobs(messages: ReturnType<typeof useCopilotStream>["messages"]): void {
  const client = useLiveClient();
  const started = messages
    .flatMap((message) => (message.role === "assistant" ? message.parts : []))
    .flatMap((part) => (part.kind === "proposal" && part.jobId !== null ? [part.jobId] : []))
    .join();
  const known = useRef(started);
  useEffect(() => {
    if (known.current === started) return;
    known.current = started;
    client.jobs({ limit: JOBS_PAGE }).get().refresh();
  }, [client, started]);
}
