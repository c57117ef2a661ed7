import { MantineProvider } from "@mantine/core";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ErrorBoundary } from "../components/ErrorBoundary";
import { startLanguage } from "../i18n";
import { readAddress } from "../lib/address";
import { App } from "./App";
import { createSession, type MakeClient } from "./session";
import { theme, themeManager, variables } from "./theme";

import "./mantine.css";
import "./tokens.css";
import "./base.css";

/** Puts the page into an element, with clients made by `makeClient`. */
export async function mount(element: HTMLElement, makeClient: MakeClient): Promise<void> {
  await startLanguage();
  const session = createSession(makeClient, readAddress(window.location.search).transport);
  createRoot(element).render(
    <StrictMode>
      <MantineProvider
        theme={theme}
        defaultColorScheme="auto"
        colorSchemeManager={themeManager}
        cssVariablesResolver={variables}
      >
        <ErrorBoundary>
          <App session={session} />
        </ErrorBoundary>
      </MantineProvider>
    </StrictMode>,
  );
}
