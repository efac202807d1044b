import { type Drafter, Guard, grammarDrafter, measureCurve, type Policy, sharedCurve } from "../drafting/index.ts";
import { DraftwrightError } from "../errors.ts";
import type { LoadOptions } from "../lm/load.ts";
import type { Adapter, LanguageModel } from "../lm/model.ts";
import { proveNumerics } from "../lm/numerics.ts";
import { DrafterSet } from "./drafters/index.ts";
import { EmbeddingTask } from "./embedding-task.ts";
import { encodePrediction, encodePrompt, GenerationTask } from "./generation-task.ts";
import { Grammars } from "./grammars.ts";
import { LearnedProfile, profileKey } from "./learned-profile.ts";
import { type DraftThread, startBeside } from "./parallel/index.ts";
import { PrefixCache } from "./prefix-cache.ts";
import { readProfile } from "./profile-store.ts";
import type { Call, FromHost, HostOptions, ModelInfo, ProfileReport, ToHost } from "./protocol.ts";
import { loadRemote, requireGreedy } from "./remote/index.ts";
import { isRemote } from "./remote/place.ts";
import type { GenerationRequest } from "./request.ts";
import type { EngineModel, LoadModelFile } from "./runtime.ts";
import { Scheduler } from "./scheduler.ts";
import { toWire } from "./wire-error.ts";

/** Drafters that run a draft model, each in a sequence of its own: model, cascade, ouroboros. */
const neuralDrafters = 3;
const defaultParallel = 32;

/**
 * Owns the models of one thread and serves requests on them. Knows nothing of threads: whoever owns it passes messages to
 * `handle`, and calls `tick` until it is idle.
 */
export class Host {
  readonly #send: (message: FromHost) => void;
  readonly #scheduler: Scheduler<GenerationTask | EmbeddingTask>;
  readonly #cache = new PrefixCache();
  readonly #clock: () => number;
  readonly #target: EngineModel;
  readonly #profile: LearnedProfile;
  readonly #drafts: readonly EngineModel[] = [];
  readonly #draftProfiles: readonly LearnedProfile[] = [];
  readonly #drafters: DrafterSet;
  readonly #grammars: Grammars;
  /** The draft model that runs beside the target. */
  readonly #beside: DraftThread | undefined;
  /** What one set of drafters is worth; the verdict on one says nothing about another. */
  readonly #guards = new Map<string, Guard>();

  /** Sends `ready` when everything is loaded. Throws what loading throws; nothing stays loaded then. */
  constructor(
    options: HostOptions,
    load: LoadModelFile,
    send: (message: FromHost) => void,
    clock: () => number = () => performance.now(),
  ) {
    const started = clock();
    this.#send = send;
    this.#clock = clock;
    const { load: loadOptions, thread } = startBeside(options);
    this.#beside = thread;
    try {
      this.#target = isRemote(options.path)
        ? loadRemote(options.path, options.draftPaths[0], loadOptions)
        : loadTarget({ ...options, load: loadOptions }, load);
      const drafts: EngineModel[] = [];
      this.#drafts = drafts;
      for (const path of options.draftPaths) drafts.push(loadDraft(path, loadOptions, this.#target, load));
      const loadMs = clock() - started;
      this.#profile = new LearnedProfile(this.#target, options.profiles);
      this.#draftProfiles = drafts.map((draft) => new LearnedProfile(draft, options.profiles));
      this.#drafters = new DrafterSet(
        this.#target,
        this.#profile.curve,
        drafts.map((model, i) => ({ model, curve: this.#draftProfiles[i].curve })),
        options.drafting,
        thread && { link: thread.link, ...thread.ready() },
      );
      this.#grammars = new Grammars(this.#target);
      this.#save();
      const shared = { model: this.#target.model, curve: sharedCurve(this.#profile.curve), clock };
      this.#scheduler = new Scheduler<GenerationTask | EmbeddingTask>({
        // An embedding always has rows left to read.
        round: (tasks) => GenerationTask.round(tasks as readonly GenerationTask[], shared),
        parallel: options.parallel ?? defaultParallel,
        noRoom: () => noRoom(this.#target),
        clock,
      });
      send({ type: "ready", info: this.#info(loadMs) });
    } catch (error) {
      this.#dispose();
      throw error;
    }
  }

  get idle(): boolean {
    return this.#scheduler.idle;
  }

  tick(): void {
    this.#scheduler.tick();
  }

  handle(message: ToHost): void {
    switch (message.type) {
      case "generate":
        this.#answer(message.id, () => this.#generate(message.id, message.request));
        break;
      case "embed":
        this.#answer(message.id, () => {
          this.#scheduler.submit(
            message.id,
            new EmbeddingTask(message.id, this.#target, message.prompts, this.#cache, this.#send),
          );
        });
        break;
      case "abort":
        this.#scheduler.abort(message.id);
        break;
      case "call":
        this.#answer(message.id, () => {
          this.#send({ type: "reply", id: message.id, value: this.#call(message.id, message.call) });
        });
        break;
      case "close":
        this.#scheduler.abortAll();
        this.#save();
        this.#dispose();
    }
  }

  #generate(id: number, request: GenerationRequest): void {
    if (this.#target.greedyOnly) requireGreedy(request);
    requireAdapter(this.#target.model, request.adapter);
    const prediction = request.prediction && encodePrediction(this.#target, request.prediction);
    const { grammar, prompt } = request;
    const thinking = "thinking" in prompt ? prompt.thinking : undefined;
    const constraint = grammar === undefined ? undefined : this.#grammars.start(grammar, thinking);
    const chosen = this.#drafters.choose(request.draft, prediction, request.cacheScope);
    const drafters = constraint && chosen.length > 0 ? [grammarDrafter(constraint), ...chosen] : chosen;
    const { curve, calibration } = this.#profile;
    const guard = this.#guard(drafters);
    const { cache, clock } = { cache: this.#cache, clock: this.#clock };
    const shared = { drafters, policy: policyOf(request), curve, calibration, guard, constraint, cache, clock };
    this.#scheduler.submit(id, new GenerationTask(id, this.#target, request, shared, this.#send));
  }

  #call(id: number, call: Call): unknown {
    switch (call.method) {
      case "encode":
        return encodePrompt(this.#target, call.prompt);
      case "decode":
        return this.#target.tokenizer.decode(call.tokens);
      case "costCurve":
        return this.#profile.curve.toJSON();
      case "profile":
        return this.#measure(id, call);
    }
  }

  /** Takes seconds to minutes, in which running generations wait. */
  #measure(id: number, { widths, kv, repeats }: Extract<Call, { method: "profile" }>): ProfileReport {
    const { model } = this.#target;
    const onProgress = (share: number) => this.#send({ type: "progress", id, share });
    const grid = measureCurve(model, { widths, kv, repeats, onProgress });
    const proof = proveNumerics(model);
    this.#profile.replace(grid, proof.exact);
    this.#save();
    return { ...grid, proof };
  }

  #guard(drafters: readonly Drafter[]): Guard {
    const key = drafters.map((drafter) => drafter.name).join(",");
    const guard = this.#guards.get(key) ?? new Guard();
    this.#guards.set(key, guard);
    return guard;
  }

  #answer(id: number, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#send({ type: "error", id, error: toWire(error) });
    }
  }

  #save(): void {
    this.#profile.save();
    for (const profile of this.#draftProfiles) profile.save();
    this.#drafters.save();
  }

  #dispose(): void {
    this.#drafters?.[Symbol.dispose]();
    this.#beside?.[Symbol.dispose]();
    for (const draft of this.#drafts) draft[Symbol.dispose]();
    this.#target?.[Symbol.dispose]();
  }

  #info(loadMs: number): ModelInfo {
    const { path, model, tokenizer, config, hash, threads, device, chatTemplate } = this.#target;
    const text = (token: number) => (token < 0 ? "" : tokenizer.decode([token]));
    return {
      path,
      name: config.name ?? "",
      architecture: config.architecture,
      contextLength: model.contextLength,
      vocabSize: model.vocabSize,
      layerCount: model.layerCount,
      hiddenSize: model.hiddenSize,
      numerics: model.numerics,
      threads,
      device,
      hash,
      draftModels: this.#drafts.map(({ path }) => path),
      drafters: this.#drafters.names,
      adapters: model.adapters ?? [],
      loadMs,
      chat: {
        template: chatTemplate,
        bosToken: text(tokenizer.bos),
        eosToken: text(tokenizer.eos),
        controlTexts: [...new Set(tokenizer.controlTexts.values())],
        isChatMl: tokenizer.encode("<|im_start|>", { parseSpecial: true }).length === 1,
      },
    };
  }
}

function policyOf({ draft, budget, survey }: GenerationRequest): Policy {
  if (draft.length === 0) return { mode: "off" };
  if (survey) return { mode: "survey", budget };
  return budget === undefined ? { mode: "auto" } : { mode: "forced", budget };
}

/**
 * Exact numerics are believed by weight type until a proof on this machine says otherwise; then the model is loaded in fast
 * ones, or refused where exact ones were asked for.
 */
function loadTarget({ path, load: options, profiles }: HostOptions, load: LoadModelFile): EngineModel {
  const target = load(path, options);
  const { numerics } = target.model;
  const saved = profiles === null ? null : readProfile(profiles, profileKey(target));
  if (numerics !== "exact" || saved?.exact !== false) return target;
  target[Symbol.dispose]();
  if (options.numerics === "exact") {
    throw new DraftwrightError(
      "bad-argument",
      `Exact numerics were asked for, but \`draftwright profile\` found that they do not hold for ${path} on this machine. ` +
        'Use numerics "fast", or another number of threads.',
    );
  }
  return load(path, { ...options, numerics: "fast" });
}

/**
 * Drafts may be rounded any way: only the target's numerics decide the output. Its own context may be shorter than the
 * target's; its KV rows serve as many generations, with each drafter that runs it. Rows never used take no memory.
 */
function loadDraft(path: string, options: LoadOptions, target: EngineModel, load: LoadModelFile): EngineModel {
  const kvRows = neuralDrafters * (options.kvRows ?? target.model.contextLength);
  return load(path, { ...options, numerics: "fast", contextLength: undefined, adapters: undefined, kvRows });
}

function noRoom(target: EngineModel): DraftwrightError {
  return new DraftwrightError(
    "out-of-memory",
    `The KV cache of ${target.path} has no room for this request although no other runs. Load with more kvRows, or ask ` +
      "for fewer tokens.",
  );
}

function requireAdapter({ adapters = [] }: LanguageModel, wanted: Adapter | null | undefined): void {
  if (!wanted || adapters.some(({ name }) => name === wanted.name)) return;
  const names = adapters.map(({ name }) => name).join(", ");
  throw new DraftwrightError(
    "bad-argument",
    `The model has no adapter "${wanted.name}". ${names ? `Adapters: ${names}.` : "Load it with adapters (--lora FILE=0)."}`,
  );
}
