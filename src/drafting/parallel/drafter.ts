import { DraftwrightError } from "../../errors.ts";
import { type CostCurve, unmeasuredCurve } from "../cost-curve.ts";
import type { Drafter, DraftSession, SequenceView } from "../drafter.ts";
import type { DraftLink } from "./link.ts";
import type { FromDraftSide } from "./messages.ts";
import { ParallelSession, type Shared } from "./session.ts";
import { noStats, type ParallelStats } from "./stats.ts";

export interface ParallelDrafterOptions {
  /** To the thread or process that runs the draft model. */
  readonly link: DraftLink;
  /** Of the draft model. */
  readonly vocabSize: number;
  /** Of the target; says how far ahead to draft. */
  readonly targetCurve?: CostCurve;
  /** Milliseconds of the drafter's forwards; by default learned from them. */
  readonly curve?: CostCurve;
  /** Longest wait for a drafter that does not answer, milliseconds. Default 250. */
  readonly patienceMs?: number;
  readonly clock?: () => number;
}

export interface ParallelDrafter extends Drafter {
  readonly stats: ParallelStats;
}

/**
 * A draft model that runs beside the target: while the target verifies, it drafts on from its own guess of the outcome.
 * What is there when a round begins costs nothing; waiting for more has a price. Which drafts are there depends on time,
 * what is emitted does not: the target says every token itself. Source: DuoDecoding (Lv et al. 2025); after PEARL.
 */
export function parallelDrafter(options: ParallelDrafterOptions): ParallelDrafter {
  const hub = new Hub(options);
  return {
    name: "parallel",
    needs: {},
    matchOnly: "how much it has drafted is a matter of time, so that a seed would not give the same text again",
    stats: hub.stats,
    open(view) {
      if (options.vocabSize !== view.vocabSize) {
        throw new DraftwrightError(
          "vocabulary-mismatch",
          `The drafter has ${options.vocabSize} tokens, the target ${view.vocabSize}. Choose a drafter of the same family.`,
        );
      }
      return hub.open(view);
    },
  };
}

class Hub implements Shared {
  readonly link: DraftLink;
  readonly curve: CostCurve;
  readonly targetCurve: CostCurve;
  readonly clock: () => number;
  readonly patienceMs: number;
  readonly stats = noStats();
  silent = false;
  readonly #sessions = new Map<number, ParallelSession>();
  #lastSession = 0;

  constructor({ link, curve, targetCurve, clock, patienceMs = 250 }: ParallelDrafterOptions) {
    this.link = link;
    this.curve = curve ?? unmeasuredCurve();
    this.targetCurve = targetCurve ?? { ms: () => 0, observe() {} };
    this.clock = clock ?? (() => performance.now());
    this.patienceMs = patienceMs;
  }

  open(view: SequenceView): DraftSession {
    const id = ++this.#lastSession;
    const session = new ParallelSession(this, id, view);
    this.#sessions.set(id, session);
    return session;
  }

  close(id: number): void {
    if (this.#sessions.delete(id)) this.link.send({ kind: "close", session: id });
  }

  poll(): void {
    for (let message = this.link.receive(); message; message = this.link.receive()) {
      this.silent = false;
      if (message.kind === "draft") this.#count(message);
      this.#sessions.get(message.session)?.receive(message);
    }
  }

  #count({ microseconds, width, length, sequences, guesses }: Extract<FromDraftSide, { kind: "draft" }>): void {
    const { stats } = this;
    stats.steps++;
    stats.guessed += guesses.length;
    stats.draftMs += microseconds / 1000;
    stats.sequences[sequences] = (stats.sequences[sequences] ?? 0) + 1;
    this.curve.observe(width, length, microseconds / 1000);
  }
}
