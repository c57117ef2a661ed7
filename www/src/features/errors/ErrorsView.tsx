import { TextInput } from "@mantine/core";
import { ERRORS, type ErrorInfo } from "@spark/live-core/envelope";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { Panel } from "../../components/Panel";
import { type ErrorWords, errorWords } from "../../lib/errorWords";
import { fold } from "../../lib/fold";
import { ROUTES } from "../../lib/routes";
import classes from "./ErrorsView.module.css";

/** The gateway's codes, then those that only the page knows. */
const CODES = [...Object.keys(ERRORS), "NETWORK", "ABORTED", "CORE_RESTARTED", "CORE_UNAVAILABLE"];

/** What a code means, or all codes without one. */
export default function ErrorsView({ code }: { code: string | null }) {
  return code === null ? <AllCodes /> : <OneCode code={code.toUpperCase()} />;
}

function OneCode({ code }: { code: string }) {
  const { t } = useTranslation("errors");
  const words = errorWords(t, code);
  return (
    <Panel labelledBy="error-title" className={classes.panel}>
      <article className={classes.article}>
        <code className={classes.code}>{code}</code>
        <h2 id="error-title" className={classes.title}>
          {words?.title ?? t("view.unknown", { code })}
        </h2>
        {words ? <Explained code={code} words={words} /> : <p>{t("view.unknownText")}</p>}
        <Link href={ROUTES.errors} className={classes.all}>
          {t("view.all")}
        </Link>
      </article>
    </Panel>
  );
}

function Explained({ code, words }: { code: string; words: ErrorWords }) {
  const { t } = useTranslation("errors");
  const info = (ERRORS as Record<string, ErrorInfo | undefined>)[code];
  return (
    <>
      <h3>{t("view.happened")}</h3>
      <p>{words.what}</p>
      <h3>{t("view.todo")}</h3>
      <p>{words.todo}</p>
      <h3>{t("view.facts")}</h3>
      {info ? (
        <dl className={classes.facts}>
          <div>
            <dt>{t("view.http")}</dt>
            <dd>{info.httpStatus ?? t("view.noHttp")}</dd>
          </div>
          <div>
            <dt>{t("view.close")}</dt>
            <dd>{info.closeCode ?? t("view.noClose")}</dd>
          </div>
          <div>
            <dt>{t("view.retry")}</dt>
            <dd>{t(`view.retries.${info.retry}`)}</dd>
          </div>
        </dl>
      ) : (
        <p>{t("view.own")}</p>
      )}
    </>
  );
}

function AllCodes() {
  const { t } = useTranslation("errors");
  const [text, setText] = useState("");
  const wanted = fold(text.trim());
  const shown = CODES.flatMap((code) => {
    const words = errorWords(t, code);
    return words && fold(`${code} ${words.title} ${words.what}`).includes(wanted) ? [{ code, words }] : [];
  });
  return (
    <Panel labelledBy="errors-title" className={classes.panel}>
      <div className={classes.head}>
        <h2 id="errors-title" className={classes.title}>
          {t("view.title")}
        </h2>
        <p>{t("view.intro")}</p>
        <TextInput
          type="search"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          aria-label={t("view.filter")}
          placeholder={t("view.filter")}
        />
      </div>
      {shown.length === 0 && <p className={classes.none}>{t("view.none", { text: text.trim() })}</p>}
      <ul className={classes.list}>
        {shown.map(({ code, words }) => (
          <li key={code}>
            <Link href={ROUTES.error(code)} className={classes.row}>
              <code>{code}</code>
              <span>{words.title}</span>
            </Link>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
