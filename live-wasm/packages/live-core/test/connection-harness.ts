import { Credentials } from "../src/auth.js";
import { Connection, type ConnectionOwner } from "../src/connection.js";
import type { TransportFactory, WantedChannel } from "../src/transport/transport.js";
import type { LiveClientOptions, Transport } from "../src/types.js";
import { FakeGateway, hello, VirtualClock } from "./harness.js";

/** An owner of one connection that writes down what it is told. */
export class Owner implements ConnectionOwner {
  readonly clock = new VirtualClock();
  readonly retry = { minMs: 500, maxMs: 30_000 };
  readonly gateway = new FakeGateway();
  open: TransportFactory = this.gateway.open;
  readonly frames = "binary";
  channels: WantedChannel[] = [{ name: "price:AAPL", maxHz: null }];
  readonly credentials: Credentials;
  readonly happened: string[] = [];
  /** Sessions that were given a new token by a request. */
  readonly refreshed: [string, string][] = [];
  readonly heardAt: number[] = [];
  hint = -1;
  #id = 0;

  constructor(auth?: LiveClientOptions["auth"]) {
    this.credentials = new Credentials(auth, this.clock);
  }

  cursor = () => "";
  refresh = (sessionId: string, token: string) => this.refreshed.push([sessionId, token]);
  base = () => new URL("http://gateway.test/");
  wanted = () => this.channels;
  nextId = () => {
    this.#id += 1;
    return this.#id;
  };
  opened = () => this.happened.push("opened");
  chunk: ConnectionOwner["chunk"] = (_connection, _bytes, _framing, nowMs) => {
    this.happened.push("chunk");
    this.heardAt.push(nowMs);
  };
  lost = () => this.happened.push("lost");
  changed = () => {};
  retryHintMs = () => this.hint;
}

/** A connection that was just asked for a line. */
export function start(kind: Transport = "websocket", auth?: LiveClientOptions["auth"]) {
  const owner = new Owner(auth);
  const connection = new Connection(kind, owner);
  const { clock, gateway } = owner;
  connection.wantedChanged();
  const greet = (heartbeatMs = 15_000) => {
    gateway.line.open();
    gateway.line.say(hello(heartbeatMs));
    connection.greeted("s-1", heartbeatMs);
  };
  return { owner, connection, clock, gateway, greet };
}
