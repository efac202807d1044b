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
  #model: Model | undefined;

  constructor(load: () => Promise<Model>, idleMs: number) {
    this.#load = load;
    this.#idleMs = idleMs;
  }

  get loaded(): boolean {
    return this.#loading !== undefined;
  }

  /** Undefined while it is not loaded. */
  get model(): Model | undefined {
    return this.#model;
  }

  get users(): number {
    return this.#users;
  }

  async use(): Promise<Model> {
    clearTimeout(this.#timer);
    this.#users++;
    this.#loading ??= this.#load();
    try {
      this.#model = await this.#loading;
      return this.#model;
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
    this.#model = undefined;
    await (await loading)?.dispose();
  }
}

export interface ServedModel {
  readonly id: string;
  readonly isDefault: boolean;
  readonly loading: boolean;
  /** Undefined while it is not loaded. */
  readonly model: Model | undefined;
  /** Requests that use it now; not counted for the default one. */
  readonly users: number;
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
  readonly #others: Map<string, OnDemand>;
  readonly #idleMs: number;
  readonly #created = Math.floor(Date.now() / 1000);

  constructor({ model, modelId, others = {}, idleSeconds }: ModelsOptions) {
    const id = modelId ?? (model.info.name.trim() || basename(model.info.path).replace(/\.gguf$/, ""));
    this.default = { id, model };
    this.#idleMs = idleSeconds * 1000;
    this.#others = new Map(Object.entries(others).map(([name, load]) => [name, new OnDemand(load, this.#idleMs)]));
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

  /** Every model but the aliases: what is loaded of it, and by how many requests it is used. */
  entries(): ServedModel[] {
    const { id, model } = this.default;
    const others = [...this.#others].map(([id, other]) => ({
      id,
      isDefault: false,
      loading: other.loaded && !other.model,
      model: other.model,
      users: other.users,
    }));
    return [{ id, isDefault: true, loading: false, model, users: 0 }, ...others];
  }

  /** One more, loaded when it is first asked for; it takes the place of an unused one of that id. Throws `ApiError` 409. */
  async add(id: string, load: () => Promise<Model>): Promise<void> {
    if (id === this.default.id || id === "default")
      throw inUse(`The model '${id}' is the default one, loaded already.`);
    if (this.#others.has(id)) await this.unload(id);
    this.#others.set(id, new OnDemand(load, this.#idleMs));
  }

  /** Frees its memory; the next request loads it again. Throws `ApiError` 404 or 409. */
  async unload(id: string): Promise<void> {
    if (id === this.default.id || id === "default") {
      throw inUse("The default model stays loaded as long as the server runs.");
    }
    const other = this.#others.get(id);
    if (!other) throw unknown(id);
    if (other.users > 0) throw inUse(`The model '${id}' is answering requests: wait for them, or stop them.`);
    await other.unload();
  }

  /** Forgets one that could not be loaded. */
  forget(id: string): void {
    this.#others.delete(id);
  }

  /** Unloads the others; the default one is its owner's. */
  async close(): Promise<void> {
    await Promise.all([...this.#others.values()].map((other) => other.unload()));
  }
}

function inUse(message: string): ApiError {
  return new ApiError(409, message, { code: "model_in_use", param: "model" });
}

function unknown(id: string): ApiError {
  return new ApiError(404, `The model '${id}' does not exist here. GET /v1/models lists what does.`, {
    code: "model_not_found",
    param: "model",
  });
}
