import { DraftwrightError } from "../errors.ts";
import type { Embedded } from "./protocol.ts";
import type { WirePrompt } from "./request.ts";
import type { Requests } from "./requests.ts";

/** A text, or its tokens. */
export type EmbeddingInput = string | { readonly tokens: ArrayLike<number> };

/** Sends texts to be embedded. Rejects with `aborted` and what the task throws. */
export function startEmbedding(
  requests: Requests,
  prompts: readonly WirePrompt[],
  signal: AbortSignal | undefined,
): Promise<Embedded> {
  return new Promise((resolve, reject) => {
    const aborted = () => new DraftwrightError("aborted", "The embedding was aborted.", { cause: signal?.reason });
    if (signal?.aborted) return reject(aborted());
    let id: number | undefined;
    const cancel = () => id !== undefined && requests.abort(id, aborted());
    const settle = () => signal?.removeEventListener("abort", cancel);
    signal?.addEventListener("abort", cancel, { once: true });
    id = requests.open(
      {
        onEnd(value) {
          settle();
          resolve(value as Embedded);
        },
        onError(error) {
          settle();
          reject(error);
        },
      },
      (newId) => ({ type: "embed", id: newId, prompts }),
    );
  });
}
