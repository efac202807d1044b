import { ApiError } from "../http/api-error.ts";
import type { Item } from "./response-input.ts";

interface Stored {
  /** Name of the API key that asked for it: no other key sees it. */
  readonly scope: string | undefined;
  readonly response: { readonly id: string; readonly output: readonly Item[] };
  /** All items up to its output. */
  readonly conversation: readonly Item[];
  readonly bytes: number;
}

/** Responses that later requests may name. They lie in memory alone; the oldest go when there are too many bytes. */
export class StoredResponses {
  readonly #maxBytes: number;
  /** Oldest first. */
  readonly #all = new Map<string, Stored>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  keep(scope: string | undefined, response: Stored["response"], input: readonly Item[]): void {
    const conversation = [...input, ...response.output];
    const bytes = JSON.stringify(response).length + JSON.stringify(conversation).length;
    if (bytes > this.#maxBytes) return;
    this.#all.set(response.id, { scope, response, conversation, bytes });
    this.#bytes += bytes;
    for (const [id, stored] of this.#all) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#remove(id, stored);
    }
  }

  /** Throws `ApiError` 404. */
  get(scope: string | undefined, id: string): Stored["response"] {
    return this.#find(scope, id).response;
  }

  /** Throws `ApiError` 404. */
  delete(scope: string | undefined, id: string): void {
    this.#remove(id, this.#find(scope, id));
  }

  /**
   * `input` with the items of `previous` before it and items in place of references to them. Throws `ApiError` 404 for what
   * is not there.
   */
  resolve(
    scope: string | undefined,
    input: readonly (Item | { readonly type: "item_reference"; readonly id: string })[],
    previous: string | null | undefined,
  ): Item[] {
    const before = previous ? this.#find(scope, previous, "previous_response_id").conversation : [];
    const items = input.map((item, i) => {
      if (item.type !== "item_reference") return item;
      const found = this.#item(scope, item.id);
      if (!found) throw notFound(`item ${item.id}`, `input[${i}]`);
      return found;
    });
    return [...before, ...items];
  }

  #find(scope: string | undefined, id: string, param?: string): Stored {
    const stored = this.#all.get(id);
    if (stored?.scope !== scope || stored === undefined) throw notFound(`response ${id}`, param);
    return stored;
  }

  #item(scope: string | undefined, id: string): Item | undefined {
    for (const stored of [...this.#all.values()].reverse()) {
      const found = stored.scope === scope && stored.response.output.find((item) => "id" in item && item.id === id);
      if (found) return found;
    }
    return undefined;
  }

  #remove(id: string, { bytes }: Stored): void {
    this.#all.delete(id);
    this.#bytes -= bytes;
  }
}

function notFound(what: string, param: string | undefined): ApiError {
  return new ApiError(
    404,
    `This server has no ${what}: it keeps the newest responses in memory, those with store: false not at all. Send the whole ` +
      "conversation as `input`.",
    { code: "not_found", param },
  );
}
