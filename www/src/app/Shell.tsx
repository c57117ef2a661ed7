import { Button } from "@mantine/core";
import type { SymbolList, Transport } from "@spark/live-core";
import { usePrice, useSymbols } from "@spark/live-react";
import { lazy, Suspense, useCallback, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Route, Switch, useRoute } from "wouter";
import { SparkIcon } from "../components/icons";
import { StatusBar } from "../features/status/StatusBar";
import { readAddress, replaceAddress } from "../lib/address";
import { ROUTES } from "../lib/routes";
import { Copilot } from "./Copilot";
import { Header } from "./Header";
import { MarketView } from "./MarketView";
import { NotFound } from "./NotFound";
import classes from "./Shell.module.css";
import { SourceBadge } from "./SourceBadge";
import { useArrival } from "./useArrival";
import { useDock } from "./useDock";
import { useSymbolNames } from "./useSymbolNames";
import { ViewLoading } from "./ViewLoading";

const BacktestsView = lazy(() => import("../features/backtests/BacktestsView"));
const BacktestView = lazy(() => import("../features/backtests/BacktestView"));
const StatusView = lazy(() => import("../features/status/StatusView"));
const ErrorsView = lazy(() => import("../features/errors/ErrorsView"));

/** The most prices that the status view holds. */
const WATCHED_MAX = 50;

/** Of a held price nothing is shown. */
const NOTHING = (): null => null;

/** Properties of {@link Shell}. */
export interface ShellProps {
  /** Shown until the client has a list of its own. */
  lastSymbols: SymbolList | undefined;
  transport: Transport;
  onTransport: (transport: Transport) => void;
}

/** Header, the view that the address names with the copilot beside it, status bar. */
export function Shell({ lastSymbols, transport, onTransport }: ShellProps) {
  const { t } = useTranslation();
  const own = useSymbols();
  const list = own.value ? own : { ...own, value: lastSymbols };
  const symbols = useSymbolNames(list.value);
  const [wanted, setWanted] = useState(() => readAddress(window.location.search).symbol);
  const [interval, setInterval] = useState(() => readAddress(window.location.search).interval);
  const selected = wanted !== null && symbols.includes(wanted) ? wanted : (symbols[0] ?? null);
  const [isMarket] = useRoute(ROUTES.market);

  const select = useCallback((symbol: string) => {
    setWanted(symbol);
    replaceAddress({ symbol });
  }, []);
  const chooseInterval = useCallback((next: string) => {
    setInterval(next);
    replaceAddress({ interval: next });
  }, []);

  const arrive = useArrival();
  const dock = useDock();
  const opener = useRef<HTMLButtonElement>(null);
  const closeDock = (): void => {
    dock.close();
    opener.current?.focus();
  };

  const source = list.value?.source;
  const badge = isMarket && source !== undefined && <SourceBadge source={source} symbol={selected} />;
  return (
    <div className={classes.page}>
      <a className={classes.skip} href="#content">
        {t("skip")}
      </a>
      <Header badge={badge}>
        <Button
          ref={opener}
          className={classes.opener}
          size="compact-sm"
          variant={dock.isOpen ? "light" : "default"}
          leftSection={<SparkIcon />}
          aria-expanded={dock.isOpen}
          onClick={dock.toggle}
          data-testid="copilot-open"
        >
          {t("copilot")}
        </Button>
      </Header>
      <div className={classes.body}>
        <main className={classes.main} id="content" tabIndex={-1} ref={arrive}>
          <Suspense fallback={<ViewLoading />}>
            <Switch>
              <Route path={ROUTES.market}>
                <MarketView
                  list={list}
                  symbols={symbols}
                  selected={selected}
                  onSelect={select}
                  interval={interval}
                  onInterval={chooseInterval}
                />
              </Route>
              <Route path={ROUTES.backtests} component={BacktestsView} />
              <Route path="/backtests/:jobId">{({ jobId }) => <BacktestView jobId={jobId} />}</Route>
              <Route path={ROUTES.status}>
                <Watched symbols={symbols} />
                <StatusView />
              </Route>
              <Route path="/errors/:code?">{({ code }) => <ErrorsView code={code ?? null} />}</Route>
              <Route component={NotFound} />
            </Switch>
          </Suspense>
        </main>
        <Copilot dock={dock} onClose={closeDock} />
      </div>
      <StatusBar symbol={isMarket ? selected : null} transport={transport} onTransport={onTransport} />
    </div>
  );
}

/** Holds what the market holds, so that there is something to be told of. */
function Watched({ symbols }: { symbols: readonly string[] }) {
  return symbols.slice(0, WATCHED_MAX).map((symbol) => <WatchedPrice key={symbol} symbol={symbol} />);
}

function WatchedPrice({ symbol }: { symbol: string }) {
  usePrice(symbol, NOTHING);
  return null;
}
