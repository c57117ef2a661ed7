import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { ROUTES } from "../lib/routes";

/** The name of the view at a path. */
function viewAt(path: string): "market" | "backtests" | "status" | "errors" | null {
  if (path === ROUTES.market) return "market";
  return (["backtests", "status", "errors"] as const).find((view) => path.split("/")[1] === view) ?? null;
}

/**
 * What changes with the view besides the view: the window's title; and after a move, though not on the first view, the
 * focus goes to the content and its beginning comes into sight, as it would with another page.
 */
export function useArrival(): (content: HTMLElement | null) => void {
  const { t, i18n } = useTranslation();
  const [path] = useLocation();
  const content = useRef<HTMLElement | null>(null);
  const last = useRef(path);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the title is in the page's language
  useEffect(() => {
    const view = viewAt(path);
    const name = view ? t(`nav.${view}`) : t("notFound.title");
    document.title = view === "market" ? "Spark Live" : `${name} · Spark Live`;
  }, [path, t, i18n.language]);
  useEffect(() => {
    if (last.current === path) return;
    last.current = path;
    content.current?.focus({ preventScroll: true });
    content.current?.scrollTo?.({ top: 0 });
    window.scrollTo?.({ top: 0 });
  }, [path]);
  return (element) => {
    content.current = element;
  };
}
