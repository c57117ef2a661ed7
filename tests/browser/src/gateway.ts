import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";

/** How long a gateway may take to listen: it reads its files first, which are long ones in a long run. */
const START_LIMIT_MS = process.env.SPARK_TEST_LONG ? 180_000 : 20_000;

/** The real gateway as a process of its own, on a port that it keeps over a restart. */
export class Gateway {
  #process: ChildProcess | null = null;
  #addr = "127.0.0.1:0";
  #errors = "";
  readonly #dir: string;
  readonly #settings: Record<string, string>;

  private constructor(dir: string, settings: Record<string, string>) {
    this.#dir = dir;
    this.#settings = settings;
  }

  /** Starts one on a free port, with settings by the names of their environment variables. */
  static async start(settings: Record<string, string> = {}): Promise<Gateway> {
    const gateway = new Gateway(await mkdtemp(path.join(tmpdir(), "spark-gateway-")), settings);
    await gateway.start();
    return gateway;
  }

  /** Address of a path on it. */
  url(pathAndQuery: string): string {
    return `http://${this.#addr}${pathAndQuery}`;
  }

  /** Starts it again, on the port that it had. */
  async start(): Promise<void> {
    if (this.#process) throw new Error("the gateway runs already");
    const child = spawn(binary(), ["serve"], {
      env: {
        ...ownEnvironment(),
        ...this.#settings,
        SPARK_ADDR: this.#addr,
      },
      // Whatever it keeps is not left in the checkout.
      cwd: this.#dir,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = child;
    child.stderr.on("data", (piece: Buffer) => {
      this.#errors += piece.toString();
    });
    const lines = createInterface({ input: child.stdout });
    const limit = AbortSignal.timeout(START_LIMIT_MS);
    const ended = once(child, "exit", { signal: limit }).then(() => null);
    const line = await Promise.race([
      once(lines, "line", { signal: limit }).then(([text]) => String(text)),
      ended,
    ]).catch(() => null);
    // Whichever lost the race is of no interest any more.
    ended.catch(() => undefined);
    if (line === null) throw new Error(`the gateway does not listen; it wrote:\n${this.#errors}`);
    this.#addr = (JSON.parse(line) as { addr: string }).addr;
  }

  /** Ends it the way a power cut would, and waits until it is gone. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  /** Ends it for good. */
  async dispose(): Promise<void> {
    await this.kill();
    await rm(this.#dir, { recursive: true, force: true });
  }
}

/** The caller's environment without settings of the gateway, and without a language model that somebody pays for. */
function ownEnvironment(): Record<string, string> {
  const entries = Object.entries(process.env).filter(([name]) => !/^(SPARK|COPILOT|AWS)_/.test(name));
  return Object.fromEntries(entries) as Record<string, string>;
}

function binary(): string {
  return process.env.SPARK_BIN ?? path.resolve(import.meta.dirname, "../../../target/debug/spark-live");
}
