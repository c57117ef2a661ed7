/** Where each view is. */
export const ROUTES = {
  market: "/",
  backtests: "/backtests",
  backtest: (jobId: string) => `/backtests/${encodeURIComponent(jobId)}`,
  status: "/status",
  errors: "/errors",
  error: (code: string) => `/errors/${encodeURIComponent(code)}`,
} as const;
