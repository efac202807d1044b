// The rounds of a generation as events between its tokens, for requests that ask for them (`draft.rounds`): what was
// drafted, what the target accepted, and what it cost. Texts of rejected tokens are looked up while the next round runs.
import type { RoundReport } from "../drafting/index.ts";
import type { GenerateOptions, Model } from "../engine/index.ts";
import { sseEvent } from "./http/sse.ts";

/** A round as a stream shows it. Arrays of `tree` have one entry a node; `parent` -1 is the last token before the round. */
export interface RoundEvent {
  /** The choice it belongs to. */
  readonly index: number;
  readonly emitted: readonly { readonly text: string; readonly source: string }[];
  readonly tree: {
    readonly text: readonly string[];
    readonly parent: readonly number[];
    readonly source: readonly string[];
    /** Chance of acceptance that its drafter gave it. */
    readonly chance: readonly number[];
    /** Nodes that were evaluated but could not be accepted. */
    readonly observed: readonly number[];
  };
  /** Accepted nodes, root side first. */
  readonly path: readonly number[];
  /** Tokens before the round. */
  readonly kv: number;
  readonly trace: RoundReport["trace"];
}

/** Texts of tokens seen so far, by model. */
const texts = new WeakMap<Model, Map<number, Promise<string>>>();

export class RoundEvents {
  readonly #model: Model;
  readonly #ready: string[] = [];
  #pending: Promise<void> = Promise.resolve();

  constructor(model: Model) {
    this.#model = model;
  }

  /** Options that let this see the rounds of a choice. */
  options(index: number): Pick<GenerateOptions, "onRound" | "record"> {
    return {
      record: true,
      onRound: (report) => {
        // A model that is disposed of meanwhile ends the stream by itself.
        const event = this.#describe(index, report).catch(() => undefined);
        this.#pending = this.#pending.then(async () => {
          const round = await event;
          if (round) this.#ready.push(sseEvent({ choices: [], draftwright: { round } }));
        });
      },
    };
  }

  /** `events` of a stream, the rounds between them; all of them before the one that closes it. */
  async *join(events: AsyncGenerator<string>): AsyncGenerator<string> {
    for await (const text of events) {
      if (text.endsWith(sseEvent("[DONE]"))) await this.#pending;
      yield this.#ready.splice(0).join("") + text;
    }
  }

  async #describe(index: number, { emitted, trace, record }: RoundReport): Promise<RoundEvent> {
    const tree = record?.tree;
    const [said, drafted] = await Promise.all([
      this.#texts(emitted.map(({ token }) => token)),
      this.#texts(tree?.token ?? []),
    ]);
    return {
      index,
      emitted: emitted.map(({ source }, i) => ({ text: said[i], source })),
      tree: {
        text: drafted,
        parent: tree?.parent ?? [],
        source: tree?.source ?? [],
        chance: tree?.confidence ?? [],
        observed: tree?.observed ?? [],
      },
      path: record?.path ?? [],
      kv: record?.kv ?? 0,
      trace,
    };
  }

  #texts(tokens: readonly number[]): Promise<string[]> {
    const known = texts.get(this.#model) ?? new Map<number, Promise<string>>();
    texts.set(this.#model, known);
    return Promise.all(
      tokens.map((token) => {
        const text = known.get(token) ?? this.#model.detokenize([token]);
        known.set(token, text);
        return text;
      }),
    );
  }
}
