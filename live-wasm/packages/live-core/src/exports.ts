/** What both entries of the package have in common. */
export { stableStringify } from "./canonical.js";
export { type Clock, systemClock } from "./clock.js";
export type { Envelope, ErrorCode } from "./envelope.js";
export { guestSession } from "./guest.js";
export type {
  EquityRow,
  Job,
  JobHandle,
  JobOptions,
  JobState,
  JobUpdates,
  MetricsRow,
  PagedRows,
  PageOptions,
  ResultLink,
  ResultPart,
  ResultRows,
  TradeRow,
} from "./jobs/types.js";
export { browserNetwork, type NetworkEvent, type NetworkStatus } from "./network.js";
export { defaultTransport } from "./transport/default.js";
export type {
  Framing,
  TransportClose,
  TransportEvents,
  TransportFactory,
  TransportLink,
  TransportRequest,
  WantedChannel,
} from "./transport/transport.js";
export type {
  AuthReason,
  CandleOptions,
  CandleSeries,
  Cause,
  Channel,
  ChannelData,
  ChannelName,
  ChannelOptions,
  ChannelStats,
  Continuity,
  DataOf,
  Dehydrated,
  DehydratedSeries,
  DehydratedValue,
  Freshness,
  Interval,
  LinkState,
  LiveClient,
  LiveClientOptions,
  LiveError,
  LiveReport,
  LiveStats,
  Price,
  Readable,
  Snap,
  Staleness,
  SymbolInfo,
  SymbolList,
  SymbolsState,
  Transport,
} from "./types.js";
export { computeStaleness, type StalenessInput, type Verdict, validate } from "./wasm.js";
export type { CandleBar, EventData, JobFault, JobProgress, JobStatus, PriceTick } from "./wire/events.js";
