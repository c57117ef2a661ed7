import { Button } from "@mantine/core";
import type { SymbolList, Transport } from "@spark/live-core";
import { useSymbols } from "@spark/live-react";
import { useCallback, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useRoute } from "wouter";
import { SparkIcon } from "../components/icons";
import { StatusBar } from "../features/status/StatusBar";
import { readAddress, replaceAddress } from "../lib/address";
import { ROUTES } from "../lib/routes";
import { Copilot } from "./Copilot";
import { Header } from "./Header";
import { MarketView } from "./MarketView";
import classes from "./Shell.module.css";
import { SourceBadge } from "./SourceBadge";
import { useArrival } from "./useArrival";
import { useDock } from "./useDock";
import { useKeptAddress } from "./useKeptAddress";
import { useSymbolNames } from "./useSymbolNames";
import { Views } from "./Views";

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
  useKeptAddress({ symbol: wanted, interval, transport });

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
          aria-expanded={dock.isOpen}
          onClick={dock.toggle}
          data-testid="copilot-open"
        >
          <SparkIcon />
          <span className={classes.name}>{t("copilot")}</span>
        </Button>
      </Header>
      <div className={classes.body}>
        <main className={classes.main} id="content" tabIndex={-1} ref={arrive}>
          <Views
            symbols={symbols}
            market={
              <MarketView
                list={list}
                symbols={symbols}
                selected={selected}
                onSelect={select}
                interval={interval}
                onInterval={chooseInterval}
              />
            }
          />
        </main>
        <Copilot dock={dock} onClose={closeDock} />
      </div>
      <StatusBar symbol={isMarket ? selected : null} transport={transport} onTransport={onTransport} />
    </div>
  );
}
