import { VisuallyHidden } from "@mantine/core";
import { useLiveStatus, useSymbols } from "@spark/live-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { cx } from "../../lib/cx";
import { type LinkWords, linkAnnouncement, linkWords } from "./linkWords";
import classes from "./StatusBar.module.css";
import { useNow } from "./useNow";

/** The state of the link, counting down to the next attempt while there is none. */
export function LinkStatus() {
  const { t } = useTranslation("status");
  const link = useLiveStatus();
  const now = useNow(link.retryAt !== null, 500);
  const words = linkWords(link, useSymbols().status, now);
  return (
    <div className={classes.item} data-testid="status-link" data-status={link.status}>
      <VisuallyHidden component="span">{`${t("link.name")} `}</VisuallyHidden>
      <span className={cx(classes.dot, classes[words.tone])} aria-hidden="true" />
      <span className={classes.label}>{words.label}</span>
      {words.detail !== "" && <span className={classes.detail}>{words.detail}</span>}
      <LinkAnnouncer tone={words.tone} />
    </div>
  );
}

/** Tells a screen reader once when the line is lost or back; never a price, a second or an attempt. */
function LinkAnnouncer({ tone }: { tone: LinkWords["tone"] }) {
  const [text, setText] = useState("");
  const before = useRef<LinkWords["tone"]>("waiting");
  useEffect(() => {
    const announcement = linkAnnouncement(before.current, tone);
    before.current = tone;
    if (announcement !== null) setText(announcement);
  }, [tone]);
  return (
    <VisuallyHidden role="status" aria-live="polite" data-testid="link-announcement">
      {text}
    </VisuallyHidden>
  );
}
