"use client";

import type { LiveClient } from "@spark/live-core";
import { createContext } from "react";

/** The client of the nearest provider; null outside one. */
export const LiveContext = createContext<LiveClient | null>(null);
