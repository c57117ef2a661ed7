import type { Engine } from "../engine.js";
import type { LiveError } from "../types.js";
import { Refused, refused } from "./calls.js";
import { confirm, newKey, propose } from "./proposals.js";
import type { Transcript } from "./transcript.js";
import type { ProposalPart } from "./types.js";

/** What confirms a card. Only in here and in what sends it. */
interface Secret {
  token: string;
  /** Makes one confirmation of all attempts. */
  key: string;
  /** The proposal that the token is of: the card's own, or the same proposed anew. */
  proposalId: string;
  /** Whether it has been on its way: then it may have come through. */
  wasSent: boolean;
}

/** What the cards of a conversation need of it. */
export interface CardsOwner {
  readonly sessionId: string | null;
  /** A card is different; with an `error`, that is why the last call failed, and with null it did not. */
  show(error?: LiveError | null): void;
}

/** Codes that say something about the confirmation itself. Any other leaves open whether it has come through before. */
const VERDICT = /^(TOKEN|CONFIRM|IDEMPOTENCY|PARAMS)_/;

const nothing = (): void => {};

/** Confirms the cards of a conversation, each at most once, and keeps their tokens. */
export class Cards {
  readonly #engine: Engine;
  readonly #transcript: Transcript;
  readonly #owner: CardsOwner;
  /** By the id that the card is shown under. */
  readonly #secrets = new Map<string, Secret>();
  /** What is under way, so that a second press is the same. */
  readonly #running = new Map<string, Promise<void>>();
  #cancelExpiry = nothing;

  constructor(engine: Engine, transcript: Transcript, owner: CardsOwner) {
    this.#engine = engine;
    this.#transcript = transcript;
    this.#owner = owner;
  }

  /** A card has come, with its token if this is who it is told to. */
  told(id: string, token: string | undefined): void {
    if (token !== undefined && !this.has(id)) this.#keep(id, id, token);
  }

  /** Whether a card's token is here. */
  has(id: string): boolean {
    return this.#secrets.has(id);
  }

  /** The card that a proposal's token was got for; the proposal itself where there is no other. */
  cardOf(proposalId: string): string {
    return [...this.#secrets].find(([, secret]) => secret.proposalId === proposalId)?.[0] ?? proposalId;
  }

  /** Confirms a card, or has it proposed anew, as the session's `confirm` does. */
  confirm(id: string): Promise<void> {
    const known = this.#running.get(id);
    if (known) return known;
    const running = this.#confirm(id);
    this.#running.set(id, running);
    const end = () => this.#running.delete(id);
    running.then(end, end);
    return running;
  }

  /** Puts a card away, if it is there and may still be put away. */
  decline(id: string): void {
    const status = this.#transcript.card(id)?.status;
    if (status !== "waiting" && status !== "expired" && status !== "failed") return;
    // One that has been on its way is still told of when it turns out to have come through.
    if (!this.#secrets.get(id)?.wasSent) this.#secrets.delete(id);
    this.#change(id, { status: "declined", error: null });
  }

  /** Marks the cards whose time is over, now and, while somebody looks, when the next one's is. */
  expire(isWatched: boolean): void {
    const now = this.#engine.clock.wallNow();
    const times: number[] = [];
    for (const { proposal, status, jobId } of this.#transcript.cards()) {
      const { proposalId: id, expiresAt } = proposal;
      if (jobId !== null) this.#secrets.delete(id);
      // What may have come through is asked for once more before it is proposed anew.
      if (status !== "waiting" || this.#secrets.get(id)?.wasSent) continue;
      if (expiresAt > now) times.push(expiresAt);
      else this.#expired(id);
    }
    this.rest();
    if (!isWatched || times.length === 0) return;
    this.#cancelExpiry = this.#engine.clock.after(Math.min(...times) - now + 1, () => this.#owner.show());
  }

  /** Nobody looks. */
  rest(): void {
    this.#cancelExpiry();
  }

  async #confirm(id: string): Promise<void> {
    const card = this.#transcript.card(id);
    // A second press on what the first has proposed anew: it is to be looked at before.
    if (!card && this.#transcript.wasRenewed(id)) return;
    if (!card) {
      const message = "nothing is proposed by that name";
      throw refused({ code: "PARAMS_INVALID", message, field: "proposalId", reason: "is not known" });
    }
    if (card.jobId !== null) return;
    await (card.status === "waiting" ? this.#send(card) : this.#renew(card));
  }

  async #send(card: ProposalPart): Promise<void> {
    const id = card.proposal.proposalId;
    this.#change(id, { status: "confirming", error: null });
    let wasSent = false;
    try {
      const secret = this.#secrets.get(id) ?? (await this.#proposedAnew(card));
      // It was confirmed meanwhile, in another window.
      if (this.#transcript.card(id)?.status !== "confirming") return;
      wasSent = secret.wasSent;
      secret.wasSent = true;
      const { jobId } = await confirm(this.#engine, secret.token, secret.key);
      this.#change(id, { status: "confirmed", jobId, error: null });
    } catch (thrown) {
      // The channel may have told meanwhile that it has come through.
      if (this.#transcript.card(id)?.status === "confirmed") return;
      const { error } = Refused.of(thrown);
      const jobId = error.jobId ?? null;
      if (error.code === "TOKEN_USED" && wasSent && jobId !== null) {
        this.#change(id, { status: "confirmed", jobId });
        return;
      }
      if (error.code === "TOKEN_EXPIRED") {
        this.#expired(id);
        this.#owner.show();
      } else if (!VERDICT.test(error.code)) this.#change(id, { status: "waiting", error });
      else {
        this.#secrets.delete(id);
        this.#change(id, { status: "failed", error, jobId });
      }
      throw thrown;
    }
  }

  /** Proposes the same anew, for a card whose token this page was never told, or no longer has. */
  async #proposedAnew({ proposal }: ProposalPart): Promise<Secret> {
    const again = await propose(this.#engine, proposal.params, this.#owner.sessionId);
    if (again.proposal.paramsHash !== proposal.paramsHash) {
      throw refused({
        code: "CONFIRM_REFUSED",
        message: "what would run is no longer what the card shows",
      });
    }
    return this.#keep(proposal.proposalId, again.proposal.proposalId, again.token);
  }

  async #renew({ proposal, status }: ProposalPart): Promise<void> {
    const id = proposal.proposalId;
    this.#change(id, { status: "renewing", error: null });
    const isOver = () => this.#transcript.card(id)?.status !== "renewing";
    try {
      const again = await propose(this.#engine, proposal.params, this.#owner.sessionId);
      // It was confirmed meanwhile, elsewhere.
      if (isOver()) return;
      this.#secrets.delete(id);
      this.told(again.proposal.proposalId, again.token);
      this.#transcript.renew(id, again.proposal);
      this.#owner.show(null);
    } catch (thrown) {
      if (isOver()) return;
      this.#change(id, { status, error: Refused.of(thrown).error });
      throw thrown;
    }
  }

  #keep(id: string, proposalId: string, token: string): Secret {
    const secret = { token, key: newKey(this.#engine), proposalId, wasSent: false };
    this.#secrets.set(id, secret);
    return secret;
  }

  #expired(id: string): void {
    this.#secrets.delete(id);
    this.#transcript.changeCard(id, { status: "expired", error: null });
  }

  /** Changes a card; why it failed, if it did, is the conversation's error as well. */
  #change(id: string, to: Partial<Omit<ProposalPart, "kind">>): void {
    this.#transcript.changeCard(id, to);
    this.#owner.show(to.error ?? null);
  }
}
