import { useCopilotStream } from "@spark/live-react";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { readAddress, replaceAddress } from "../lib/address";
import type { Dock } from "./useDock";

const CopilotDock = lazy(() => import("../features/copilot/CopilotDock"));

/** The copilot's dock. Until it is opened for the first time nothing is downloaded or asked for. */
export function Copilot({ dock, onClose }: { dock: Dock; onClose: () => void }) {
  const [named, setNamed] = useState(() => readAddress(window.location.search).copilot);
  const [wasOpened, setWasOpened] = useState(dock.isOpen);
  if (dock.isOpen && !wasOpened) setWasOpened(true);
  // The views are moved between by links that know nothing of it.
  useEffect(() => {
    if (readAddress(window.location.search).copilot !== named) replaceAddress({ copilot: named });
  });
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
  const stream = useCopilotStream({ sessionId: named });
  const draft = useRef("");
  const { sessionId } = stream;
  useEffect(() => {
    if (sessionId === null || sessionId === named) return;
    onNamed(sessionId);
  }, [sessionId, named, onNamed]);
  if (!dock.isOpen) return null;
  const clear = (): void => {
    stream.clear();
    onNamed(null);
  };
  return (
    <Suspense fallback={null}>
      <CopilotDock
        stream={stream}
        draft={draft}
        takesFocus={dock.isByHand}
        onClose={onClose}
        onLeave={dock.close}
        onClear={clear}
      />
    </Suspense>
  );
}
