import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { precompress } from "./build/precompress.ts";

/** The gateway that a page in development speaks to. */
const GATEWAY = process.env.SPARK_GATEWAY ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react(), precompress()],
  build: {
    target: "es2022",
    sourcemap: false,
    // Every asset stays a file of its own: the page's policy allows no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Said of minified code; lightweight-charts, React and the live client together pass the default.
    chunkSizeWarningLimit: 800,
  },
  server: {
    proxy: { "/api": { target: GATEWAY, ws: true }, "/readyz": { target: GATEWAY } },
  },
  test: {
    environment: "happy-dom",
    include: ["test/**/*.test.{ts,tsx}"],
    setupFiles: ["test/setup.ts"],
    // A whole page is rendered by many of them, on machines that do other things too.
    testTimeout: 20_000,
  },
});
