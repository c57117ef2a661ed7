import type { Transport } from "@spark/live-core";
import { AgeStatus, FreshnessStatus } from "./FreshnessStatus";
import { LinkStatus } from "./LinkStatus";
import classes from "./StatusBar.module.css";
import { StatusHelp } from "./StatusHelp";
import { TransportMenu } from "./TransportMenu";

/** Properties of {@link StatusBar}. */
export interface StatusBarProps {
  /** The symbol whose price is judged; null while none is selected. */
  symbol: string | null;
  transport: Transport;
  onTransport: (transport: Transport) => void;
}

/** What can be known about the data at any moment: the link, the transport, the freshness, the age. */
export function StatusBar({ symbol, transport, onTransport }: StatusBarProps) {
  return (
    <footer className={classes.bar}>
      <LinkStatus />
      <TransportMenu chosen={transport} onChoose={onTransport} />
      {symbol !== null && (
        <>
          <FreshnessStatus channel={`price:${symbol}`} />
          <AgeStatus channel={`price:${symbol}`} symbol={symbol} />
        </>
      )}
      <div className={classes.end}>
        <StatusHelp />
      </div>
    </footer>
  );
}
