"use client";

export { LiveProvider, type LiveProviderProps } from "./LiveProvider.js";
export type { LiveHookOptions } from "./options.js";
export { useAge } from "./useAge.js";
export { useBacktestResult } from "./useBacktestResult.js";
export { useCandles } from "./useCandles.js";
export { useChannel } from "./useChannel.js";
export { type CopilotStream, useCopilotStream } from "./useCopilotStream.js";
export { useHealth } from "./useHealth.js";
export { useJob } from "./useJob.js";
export { useJobs } from "./useJobs.js";
export { useLiveClient } from "./useLiveClient.js";
export { useLiveStatus } from "./useLiveStatus.js";
export { usePrice } from "./usePrice.js";
export { useStaleness } from "./useStaleness.js";
export { useSymbols } from "./useSymbols.js";
