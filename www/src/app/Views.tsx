import { usePrice } from "@spark/live-react";
import type { ReactNode } from "react";
import { Route, Switch } from "wouter";
import { ErrorBoundary } from "../components/ErrorBoundary";
import { ROUTES } from "../lib/routes";
import { lazyPart } from "./lazyPart";
import { NotFound } from "./NotFound";
import { ViewLoading } from "./ViewLoading";

const Backtests = lazyPart(() => import("../features/backtests/BacktestsView"));
const Backtest = lazyPart(() => import("../features/backtests/BacktestView"));
const Status = lazyPart(() => import("../features/status/StatusView"));
const Errors = lazyPart(() => import("../features/errors/ErrorsView"));

/** The most prices that the status view holds. */
const WATCHED_MAX = 50;

/** Of a held price nothing is shown. */
const NOTHING = (): null => null;

/** Properties of {@link Views}. */
export interface ViewsProps {
  /** The market, which comes with the page. */
  market: ReactNode;
  symbols: readonly string[];
}

/** The view that the address names. One that fails leaves the others, and all around it, as they are. */
export function Views({ market, symbols }: ViewsProps) {
  const fallback = <ViewLoading />;
  return (
    <Switch>
      <Route path={ROUTES.market}>
        <ErrorBoundary of="part">{market}</ErrorBoundary>
      </Route>
      <Route path={ROUTES.backtests}>
        <Backtests props={{}} fallback={fallback} />
      </Route>
      <Route path="/backtests/:jobId">
        {/* Of one backtest nothing is carried over to the next: no link, no sorting, no place of a scrollbar. */}
        {({ jobId }) => <Backtest key={jobId} props={{ jobId }} fallback={fallback} />}
      </Route>
      <Route path={ROUTES.status}>
        <Watched symbols={symbols} />
        <Status props={{}} fallback={fallback} />
      </Route>
      <Route path="/errors/:code?">
        {({ code }) => <Errors props={{ code: code ?? null }} fallback={fallback} />}
      </Route>
      <Route component={NotFound} />
    </Switch>
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
