import { basename } from "node:path";
import type { Model } from "../engine/index.ts";
import { ApiError } from "./http/api-error.ts";

/** A model in use; `release` it exactly once. */
export interface Lease {
  readonly id: string;
  readonly model: Model;
  release(): void;
}

/** Loaded when it is first asked for, and disposed of when nobody has asked for a while. */
class OnDemand {
  readonly #load: () => Promise<Model>;
  readonly #idleMs: number;
  #loading: Promise<Model> | undefined;
  #users = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(load: () => Promise<Model>, idleMs: number) {
    this.#load = load;
    this.#idleMs = idleMs;
  }

  get loaded(): boolean {
    return this.#loading !== undefined;
  }

  async use(): Promise<Model> {
    clearTimeout(this.#timer);
    this.#users++;
    this.#loading ??= this.#load();
    try {
      return await this.#loading;
    } catch (error) {
      this.#loading = undefined;
      this.#users--;
      throw error;
    }
  }

  release(): void {
    if (--this.#users > 0) return;
    this.#timer = setTimeout(() => void this.unload(), this.#idleMs);
    this.#timer.unref();
  }

  async unload(): Promise<void> {
    clearTimeout(this.#timer);
    const loading = this.#loading;
    this.#loading = undefined;
    await (await loading)?.dispose();
  }
}

export interface ModelsOptions {
  readonly model: Model;
  /** Its id; default: the name in its file, or the file's. */
  readonly modelId?: string;
  /** Others by their ids, each loaded when it is first asked for. */
  readonly others?: Readonly<Record<string, () => Promise<Model>>>;
  /** Seconds without requests after which one of the others is unloaded. */
  readonly idleSeconds: number;
}

/** The models of a server. The id `default`, and no id at all, name the default one, which stays loaded. */
export class Models {
  readonly default: Omit<Lease, "release">;
  readonly #others: ReadonlyMap<string, OnDemand>;
  readonly #created = Math.floor(Date.now() / 1000);

  constructor({ model, modelId, others = {}, idleSeconds }: ModelsOptions) {
    const id = modelId ?? (model.info.name.trim() || basename(model.info.path).replace(/\.gguf$/, ""));
    this.default = { id, model };
    this.#others = new Map(
      Object.entries(others).map(([name, load]) => [name, new OnDemand(load, idleSeconds * 1000)]),
    );
  }

  /** Throws `ApiError` 404, or what loading throws. */
  async use(id: string | null | undefined): Promise<Lease> {
    if (id === undefined || id === null || id === "" || id === "default" || id === this.default.id) {
      return { ...this.default, release() {} };
    }
    const other = this.#others.get(id);
    if (!other) throw unknown(id);
    const model = await other.use();
    let released = false;
    return {
      id,
      model,
      release() {
        if (!released) other.release();
        released = true;
      },
    };
  }

  /** OpenAI's model objects. */
  list() {
    return ["default", this.default.id, ...this.#others.keys()].map((id) => this.describe(id));
  }

  /** Throws `ApiError` 404. */
  describe(id: string) {
    const common = { id, object: "model", created: this.#created, owned_by: "draftwright" };
    const other = this.#others.get(id);
    if (other) return { ...common, meta: { loaded: other.loaded } };
    if (id !== "default" && id !== this.default.id) throw unknown(id);
    const { contextLength, architecture, numerics } = this.default.model.info;
    return { ...common, meta: { loaded: true, context_length: contextLength, architecture, numerics } };
  }

  /** Unloads the others; the default one is its owner's. */
  async close(): Promise<void> {
    await Promise.all([...this.#others.values()].map((other) => other.unload()));
  }
}

function unknown(id: string): ApiError {
  return new ApiError(404, `The model '${id}' does not exist here. GET /v1/models lists what does.`, {
    code: "model_not_found",
    param: "model",
  });
}
