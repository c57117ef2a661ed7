/** Payloads of the events that the gateway knows by type. Times are milliseconds since the Unix epoch. */

/** Data of `price.tick` on `price:<symbol>`. */
export interface PriceTick {
  symbol: string;
  price: number;
  bid?: number | null;
  ask?: number | null;
  volume: number;
  change: number;
  changePct: number;
  marketTime: number;
}

/** Data of `candles.bar` on `candles:<symbol>.<interval>`. */
export interface CandleBar {
  symbol: string;
  interval: string;
  openTime: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
  closed: boolean;
}
