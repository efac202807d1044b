import { basename } from "node:path";
import type { Model } from "../engine/index.ts";
import { ApiError } from "./http/api-error.ts";

export interface ServedModel {
  readonly id: string;
  readonly model: Model;
}

/** The name by which a model is served: the one in its file, or the file's. */
export function modelIdOf({ info }: Model): string {
  return info.name.trim() || basename(info.path).replace(/\.gguf$/, "");
}

/** The models of a server. The id `default`, and no id at all, name the default. */
export class Models {
  readonly #default: ServedModel;
  readonly #created = Math.floor(Date.now() / 1000);

  constructor(model: Model, id = modelIdOf(model)) {
    this.#default = { id, model };
  }

  get default(): ServedModel {
    return this.#default;
  }

  /** Throws `ApiError` 404. */
  find(id: string | null | undefined): ServedModel {
    if (id === undefined || id === null || id === "" || id === "default" || id === this.#default.id) {
      return this.#default;
    }
    throw new ApiError(404, `The model '${id}' does not exist here. GET /v1/models lists what does.`, {
      code: "model_not_found",
      param: "model",
    });
  }

  /** OpenAI's model objects. */
  list() {
    return ["default", this.#default.id].map((id) => this.describe(id));
  }

  describe(id: string) {
    const { model } = this.find(id);
    const { contextLength, architecture, numerics } = model.info;
    return {
      id,
      object: "model",
      created: this.#created,
      owned_by: "draftwright",
      meta: { context_length: contextLength, architecture, numerics },
    };
  }
}
