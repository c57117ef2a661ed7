import { openPolling } from "./polling.js";
import { openSse } from "./sse.js";
import type { TransportFactory } from "./transport.js";
import { openWebSocket } from "./websocket.js";

/** The transports of a browser, or of a Node that has `WebSocket` and `fetch`. */
export const defaultTransport: TransportFactory = (request, events) => {
  switch (request.kind) {
    case "websocket":
      return openWebSocket(request, events);
    case "sse":
      return openSse(request, events);
    case "polling":
      return openPolling(request, events);
  }
};
