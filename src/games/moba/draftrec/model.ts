// A DraftRec network with what it needs to be used: names, scaling of statistics, and a graph that runs.
import { Backend, type Port } from "../../../ggml/index.ts";
import * as nn from "../../../nn/index.ts";
import { type Champion, championIds, type MobaData, turns } from "../data/dataset.ts";
import type { Recommender } from "../evaluate.ts";
import { type DraftBatch, fillMatch, newBatch, type Scaling, views } from "./batch.ts";
import type { DraftRecConfig } from "./config.ts";
import { formOf } from "./form.ts";
import { DraftRecNetwork, fillInputs, type Inputs } from "./network.ts";
import { emptySituation, Situations } from "./situation.ts";

export interface DraftRecNames {
  readonly champions: readonly Champion[];
  readonly roles: readonly string[];
  readonly statNames: readonly string[];
  readonly scaling: Scaling;
}

interface Runner {
  readonly tape: nn.Tape;
  readonly inputs: Inputs;
  readonly logits: Port<Float32Array<ArrayBuffer>>;
  readonly value: Port<Float32Array<ArrayBuffer>> | undefined;
}

/** Owns native memory: dispose it. */
export class DraftRecModel implements DraftRecNames {
  readonly config: DraftRecConfig;
  readonly backend: Backend;
  readonly network: DraftRecNetwork;
  readonly champions: readonly Champion[];
  readonly roles: readonly string[];
  readonly statNames: readonly string[];
  readonly scaling: Scaling;
  /** Log odds of blue for each unit of form; 0 until it is fitted. */
  formWeight = 0;
  readonly #runners = new Map<string, Runner>();

  constructor(config: DraftRecConfig, names: DraftRecNames, options: { seed?: number; threads?: number } = {}) {
    this.config = config;
    this.champions = names.champions;
    this.roles = names.roles;
    this.statNames = names.statNames;
    this.scaling = names.scaling;
    this.backend = new Backend(undefined, { threads: options.threads ?? 1 });
    this.network = new DraftRecNetwork(this.backend, config, options.seed ?? 1);
  }

  /** Logits [champion ids, 10, matches] and log odds of blue [views, matches]; valid until the next call. */
  run(batch: DraftBatch): { readonly logits: Float32Array; readonly value: Float32Array } {
    const runner = this.#runner(batch.matches, batch.viewsPerMatch);
    fillInputs(runner.inputs, this.config, batch);
    runner.tape.run();
    return { logits: runner.logits.array, value: runner.value?.array ?? new Float32Array(0) };
  }

  #runner(matches: number, viewsPerMatch: number): Runner {
    const key = `${matches} ${viewsPerMatch}`;
    const known = this.#runners.get(key);
    if (known) return known;
    const tape = new nn.Tape(this.backend, { gradients: false });
    const { inputs, logits, value } = this.network.apply(tape, matches, viewsPerMatch);
    const runner = { tape, inputs, logits: tape.output(logits), value: value && tape.output(value) };
    tape.ready();
    this.#runners.set(key, runner);
    return runner;
  }

  /** Ranks picks and predicts winners of a data set's matches; the chance is of both teams' views of the finished draft. */
  recommender(data: MobaData, name = "draftrec"): Recommender {
    const situations = new Situations(data, this.scaling);
    const size = 32;
    const batch = newBatch(this.config, size);
    const rest = emptySituation(championIds(data));
    let last: { first: number; count: number; logits: Float32Array; value: Float32Array } | undefined;
    const forward = (first: number, count: number) => {
      if (last?.first === first && last.count === count) return last;
      const logits = new Float32Array(count * turns * this.config.championIds);
      const value = new Float32Array(count * views);
      for (let done = 0; done < count; done += size) {
        const used = Math.min(size, count - done);
        for (let i = 0; i < size; i++) {
          fillMatch(this.config, batch, i, i < used ? situations.at(first + done + i) : rest);
        }
        const out = this.run(batch);
        const perMatch = turns * this.config.championIds;
        logits.set(out.logits.subarray(0, used * perMatch), done * perMatch);
        if (out.value.length > 0) value.set(out.value.subarray(0, used * views), done * views);
      }
      last = { first, count, logits, value };
      return last;
    };
    return {
      name,
      rank: (_, first, count, out) => out.set(forward(first, count).logits),
      ...(this.config.matchNetwork && {
        predict: (_: MobaData, first: number, count: number, out: Float64Array) => {
          const { value } = forward(first, count);
          for (let m = 0; m < count; m++) {
            const form = this.formWeight === 0 ? 0 : this.formWeight * formOf(situations.at(first + m).players);
            out[m] = sigmoid((value[m * views + turns] + value[m * views + turns + 1]) / 2 + form);
          }
        },
      }),
    };
  }

  [Symbol.dispose](): void {
    for (const { tape } of this.#runners.values()) tape[Symbol.dispose]();
    this.network[Symbol.dispose]();
    this.backend[Symbol.dispose]();
  }
}

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
