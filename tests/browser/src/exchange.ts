import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";

/** An exchange on this machine that speaks Binance's protocol and does what it is told, as a process of its own. */
export class Exchange {
  readonly #process: ChildProcess;
  /** Where it listens. */
  readonly url: string;

  private constructor(child: ChildProcess, url: string) {
    this.#process = child;
    this.url = url;
  }

  /** Starts one on a free port. */
  static async start(): Promise<Exchange> {
    const child = spawn(binary(), { stdio: ["pipe", "pipe", "inherit"] });
    const [line] = await once(createInterface({ input: child.stdout }), "line", {
      signal: AbortSignal.timeout(20_000),
    });
    return new Exchange(child, (JSON.parse(String(line)) as { url: string }).url);
  }

  /** Gives a command; see the binary's own words. */
  tell(command: string): void {
    this.#process.stdin?.write(`${command}\n`);
  }

  /** Stops it in the middle of everything: its connections stay open and say nothing. */
  freeze(): void {
    this.#process.kill("SIGSTOP");
  }

  /** Lets it go on. */
  thaw(): void {
    this.#process.kill("SIGCONT");
  }

  /** Ends it. */
  async dispose(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const gone = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await gone;
  }
}

function binary(): string {
  return path.resolve(import.meta.dirname, "../../../target/debug/spark-live-test-exchange");
}
