import { existsSync } from "node:fs";
import { parse } from "node:path";
import {
  type CostCurve,
  cascadeDrafter,
  crossVocabularyDrafter,
  type Drafter,
  hierarchyDrafter,
  type LayerSkipDrafter,
  layerSkipDrafter,
  loadPool,
  lookaheadDrafter,
  lookupDrafter,
  ModelDatabase,
  measureStepCost,
  modelDrafter,
  ouroborosDrafter,
  PhrasePool,
  predictionDrafter,
  requireSameWeights,
  type SavedSkipSet,
  StatisticsDatabase,
  savePool,
  timesApply,
  translatingReviewer,
} from "../../drafting/index.ts";
import { type ParallelDrafterOptions, parallelDrafter } from "../../drafting/parallel/index.ts";
import { headKinds, type OpenedHead, openHeadDrafter } from "../../drafting/trained/index.ts";
import { DraftwrightError } from "../../errors.ts";
import { readDatabase } from "../databases/index.ts";
import { findHeads } from "../find-model.ts";
import { readSkipSet, writeSkipSet } from "../layer-skip/files.ts";
import type { EngineModel } from "../runtime.ts";
import type { DraftingOptions } from "./options.ts";

/** A draft model, and what its forwards cost. */
export interface DraftModel {
  readonly model: EngineModel;
  readonly curve: CostCurve;
}

/** The first draft model once more, running beside the target. */
export type Beside = Pick<ParallelDrafterOptions, "link" | "vocabSize">;

/** What `auto` asks, in the order in which equal offers win. The others draft what these draft, in their own ways. */
const autoDrafters = ["prediction", "lookup", "hierarchy", "model", "layer-skip", ...headKinds];

/**
 * Databases take a tenth of a millisecond a round, looked up and kept up to date, and heads want the features of every row: too
 * much beside a forward as fast as this, even where nothing is bought.
 */
const cheapForwardMs = 2;
const isHeadKind = (name: string) => (headKinds as readonly string[]).includes(name);

/** Scopes whose phrases are kept. */
const mostScopes = 64;

/** The drafters of one target, by the names that `draft` accepts. A new drafter gets its line in the constructor. */
export class DrafterSet {
  readonly #all = new Map<string, Drafter>();
  readonly #target: EngineModel;
  /** What `auto` asks of what is there. */
  readonly #auto: readonly string[];
  readonly #options: DraftingOptions;
  readonly #pool: PhrasePool | undefined;
  /** Drafters that learn phrases of users, by the scope of these; least recently used first. */
  readonly #scoped = new Map<string, Drafter>();
  readonly #learnApart: (() => Drafter) | undefined;
  readonly #heads: OpenedHead[] = [];
  /** Heads that come with the target, by kind; opened when a request first names one. `auto` does not ask them. */
  readonly #shipped = new Map<string, string>();
  #layerSkip: { readonly drafter: LayerSkipDrafter; readonly saved?: SavedSkipSet } | undefined;

  /**
   * `drafts`: best to cheapest; those of other vocabularies serve, but less well. Throws what the drafters throw at their
   * options, and "vocabulary-mismatch" or "bad-argument" for files that are not for this model.
   */
  constructor(
    target: EngineModel,
    targetCurve: CostCurve,
    drafts: readonly DraftModel[],
    options: DraftingOptions,
    beside?: Beside,
  ) {
    this.#target = target;
    this.#options = options;
    this.#pool = openPool(target, options);
    const kin = drafts.find(({ model }) => model.tokenizer.hash === target.tokenizer.hash);
    const best = kin && { model: kin.model.model, curve: kin.curve };
    const models = drafts.map(({ model, curve }) => ({
      model: model.model,
      curve,
      ...(model.tokenizer.hash !== target.tokenizer.hash && {
        reviewer: translatingReviewer(target.tokenizer, model.tokenizer),
      }),
    }));
    const { hierarchy = {}, ouroboros, cascade, layerSkip } = options;
    const databases = readDatabases(hierarchy.databases ?? [], target);
    const hasDatabases = databases.model !== undefined || databases.statistics !== undefined;
    const isCheap = targetCurve.ms(1, 0) <= cheapForwardMs;
    const isLeftOut = (name: string) =>
      isCheap ? name === "hierarchy" || isHeadKind(name) : name === "hierarchy" && !hasDatabases;
    this.#auto = autoDrafters.filter((name) => !isLeftOut(name));
    const { databases: _, ...hierarchySettings } = hierarchy;
    const drafters = [
      lookupDrafter(options.lookup),
      hierarchyDrafter({ ...hierarchySettings, ...databases }),
      lookaheadDrafter(options.lookahead),
      ouroborosDrafter({ ...ouroboros, ...best, pool: this.#pool }),
      cascadeDrafter({ ...cascade, models, targetCurve }),
    ];
    if (this.#pool) {
      const place = { ...options, ouroboros: { ...ouroboros, pool: "session" as const } };
      this.#learnApart = () => ouroborosDrafter({ ...ouroboros, ...best, pool: openPool(target, place) });
    }
    if (best) drafters.push(modelDrafter(best));
    else if (drafts.length > 0) drafters.push(translated(target, drafts[0]));
    if (beside) drafters.push(this.#besides(beside, drafts[0], targetCurve));
    if (layerSkip) drafters.push(this.#makeLayerSkip(layerSkip));
    drafters.push(...this.#openHeads(options.heads ?? []));
    for (const drafter of drafters) this.#all.set(drafter.name, drafter);
    for (const path of findHeads(target.path)) {
      const kind = parse(path).name;
      if (!this.#all.has(kind)) this.#shipped.set(kind, path);
    }
  }

  /** Names that may be asked for in any request. */
  get names(): string[] {
    return [...new Set([...this.#all.keys(), ...this.#shipped.keys()])];
  }

  /**
   * The drafters of one request, its prediction among them if it has one. Throws `bad-argument` for a name that is not
   * there, saying why. `scope`: phrases are learned apart for each; without one they go to the pool of the options.
   */
  choose(names: "auto" | readonly string[], prediction: Int32Array | undefined, scope?: string): Drafter[] {
    const all = new Map(this.#all);
    if (scope !== undefined && this.#learnApart && names.includes("ouroboros")) {
      all.set("ouroboros", this.#ofScope(scope, this.#learnApart));
    }
    if (prediction) all.set("prediction", predictionDrafter(prediction));
    const wanted = names === "auto" ? this.#auto.filter((name) => !this.#shipped.has(name)) : [...names];
    if (prediction && !wanted.includes("prediction")) wanted.unshift("prediction");
    return wanted.flatMap((name) => {
      const drafter = all.get(name) ?? this.#openShipped(name);
      if (drafter) return [drafter];
      if (names === "auto") return [];
      throw new DraftwrightError("bad-argument", `Cannot draft with "${name}": ${this.#why(name)}.`);
    });
  }

  #ofScope(scope: string, make: () => Drafter): Drafter {
    const drafter = this.#scoped.get(scope) ?? make();
    this.#scoped.delete(scope);
    this.#scoped.set(scope, drafter);
    for (const oldest of this.#scoped.keys()) {
      if (this.#scoped.size <= mostScopes) break;
      this.#scoped.delete(oldest);
    }
    return drafter;
  }

  /** Keeps what the drafters learned, where that was asked for. A file that cannot be written is no error. */
  save(): void {
    const { ouroboros, layerSkip } = this.#options;
    try {
      if (this.#pool && typeof ouroboros?.pool === "object") savePool(this.#pool, ouroboros.pool.path);
      const { saved, drafter } = this.#layerSkip ?? {};
      if (saved && drafter && typeof layerSkip?.skip === "string") {
        writeSkipSet(layerSkip.skip, { ...saved, ...drafter.state });
      }
    } catch {
      // What was learned is lost with this run, no more.
    }
  }

  #openShipped(kind: string): Drafter | undefined {
    const path = this.#shipped.get(kind);
    if (path === undefined) return undefined;
    const head = openHeadDrafter(path, this.#target, { tree: this.#options.headTree });
    this.#heads.push(head);
    this.#all.set(kind, head);
    return head;
  }

  #openHeads(paths: readonly string[]): Drafter[] {
    try {
      for (const path of paths) {
        const head = openHeadDrafter(path, this.#target, { tree: this.#options.headTree });
        if (this.#heads.some(({ name }) => name === head.name)) {
          head[Symbol.dispose]();
          throw new DraftwrightError("bad-argument", `${path} is a second ${head.name} head; give one of each kind.`);
        }
        this.#heads.push(head);
      }
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
    return this.#heads;
  }

  /** Frees the heads. */
  [Symbol.dispose](): void {
    for (const head of this.#heads.splice(0)) head[Symbol.dispose]();
  }

  #why(name: string): string {
    switch (name) {
      case "model":
        return "it needs a draft model: pass draftModels to loadModel, or --draft-model";
      case "layer-skip":
        return "it needs layers to leave out: run `draftwright layer-skip search`, then pass its file (--layer-skip FILE)";
      case "parallel":
        return "it needs cores of its own: load with drafting: { parallel: {} }, or name it first (--draft parallel)";
      case "prediction":
        return "it needs a predicted output: pass prediction, or --prediction FILE";
      case "amphista":
      case "eagle":
      case "falcon":
      case "medusa":
        return `it needs a head: run \`draftwright train ${name}\`, then pass its file (--head FILE)`;
      default:
        return `it must be auto, off, or some of: ${this.names.join(", ")}`;
    }
  }

  #besides({ link, vocabSize }: Beside, { model }: DraftModel, targetCurve: CostCurve): Drafter {
    if (model.tokenizer.hash !== this.#target.tokenizer.hash) {
      throw new DraftwrightError(
        "vocabulary-mismatch",
        `${model.path} cannot draft in parallel: its tokens are not those of ${this.#target.path}. \`draftwright pair\` ` +
          "names models that fit.",
      );
    }
    return parallelDrafter({ link, vocabSize, targetCurve });
  }

  /** Layers given by hand are drafted with as asked; those of a search only where they can gain on this machine. */
  #makeLayerSkip({ skip, ...settings }: NonNullable<DraftingOptions["layerSkip"]>): LayerSkipDrafter {
    if (typeof skip !== "string") {
      const drafter = layerSkipDrafter({ ...settings, skip });
      this.#layerSkip = { drafter };
      return drafter;
    }
    const saved = readSkipSet(skip);
    const { model, device, threads, hash } = this.#target;
    requireSameWeights(saved, hash);
    const cost = timesApply(saved, { device, threads, numerics: model.numerics })
      ? saved
      : measureStepCost(model, { attention: saved.skipAttn, mlp: saved.skipMlp });
    const drafter = layerSkipDrafter({ ...settings, skip: saved, cost });
    this.#layerSkip = { drafter, saved };
    return drafter;
  }
}

/** A draft model of another vocabulary: its text is put into the target's tokens. */
function translated(target: EngineModel, { model, curve }: DraftModel): Drafter {
  const { tokenizer } = model;
  return crossVocabularyDrafter({
    model: model.model,
    curve,
    vocabulary: tokenizer,
    targetVocabulary: target.tokenizer,
  });
}

function openPool(target: EngineModel, { ouroboros }: DraftingOptions): PhrasePool | undefined {
  const place = ouroboros?.pool ?? "request";
  if (place === "request") return undefined;
  const identity = { vocabSize: target.model.vocabSize, tokenizerHash: target.tokenizer.hash };
  if (typeof place === "object" && existsSync(place.path)) return loadPool(place.path, identity);
  const { phraseLength, perKey } = ouroboros ?? {};
  return new PhrasePool({ ...identity, phraseLength, perKey, scope: typeof place === "object" ? "disk" : "session" });
}

function readDatabases(paths: readonly string[], { tokenizer, path: model }: EngineModel) {
  const found: { model?: { database: ModelDatabase }; statistics?: { database: StatisticsDatabase } } = {};
  for (const path of paths) {
    const { database } = readDatabase(path, { hash: tokenizer.hash, path: model });
    if (found[database.kind]) {
      throw new DraftwrightError(
        "bad-argument",
        `${path} is a second ${database.kind} database; give one of each kind.`,
      );
    }
    if (database instanceof ModelDatabase) found.model = { database };
    if (database instanceof StatisticsDatabase) found.statistics = { database };
  }
  return found;
}
