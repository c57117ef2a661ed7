import type { TransportEvents, TransportLink, TransportRequest } from "./transport.js";

/** Opens a WebSocket that carries newline-separated envelopes one way and JSON commands the other. */
export function openWebSocket(request: TransportRequest, events: TransportEvents): TransportLink {
  const url = new URL("api/live/ws", request.base);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  if (request.frames === "binary") url.searchParams.set("frames", "binary");

  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  let done = false;
  const encoder = new TextEncoder();

  socket.onopen = () => {
    if (!done) events.opened();
  };
  socket.onmessage = ({ data, timeStamp }: MessageEvent<ArrayBuffer | string>) => {
    if (done) return;
    const bytes = typeof data === "string" ? encoder.encode(data) : new Uint8Array(data);
    events.chunk(bytes, "envelopes", timeStamp);
  };
  const closed = (code: number | null, reason: string) => {
    if (done) return;
    done = true;
    events.closed({ code, status: null, reason });
  };
  socket.onclose = ({ code, reason }) => closed(code, reason);
  // A browser's `close` follows at once and knows no more; Node's WebSocket leaves it at the error.
  socket.onerror = () => closed(null, "");

  return {
    send(command) {
      if (done || socket.readyState !== WebSocket.OPEN) return false;
      socket.send(command);
      return true;
    },
    close() {
      if (done) return;
      done = true;
      socket.close(1000);
    },
  };
}
