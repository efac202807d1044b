import { setImmediate as immediate } from "node:timers/promises";
import type { GeneratedToken, GenerateResult, Generating } from "../engine/index.ts";

/** A token of one choice, or its end. */
export type ChoiceEvent =
  | { readonly index: number; readonly token: GeneratedToken; readonly result?: undefined }
  | { readonly index: number; readonly token?: undefined; readonly result: GenerateResult };

/**
 * What several generations say, as it comes: each batch holds everything since the last one, so that a round's tokens
 * leave in one write. Throws the first error of any.
 */
export async function* choiceEvents(choices: readonly Generating[]): AsyncGenerator<readonly ChoiceEvent[]> {
  let batch: ChoiceEvent[] = [];
  let failure: { readonly error: unknown } | undefined;
  let running = choices.length;
  let wake = () => {};
  const pump = async (choice: Generating, index: number) => {
    try {
      for await (const token of choice) {
        batch.push({ index, token });
        wake();
      }
      batch.push({ index, result: await choice.result });
    } catch (error) {
      failure ??= { error };
    }
    running--;
    wake();
  };
  choices.forEach((choice, index) => {
    void pump(choice, index);
  });
  for (;;) {
    if (batch.length === 0 && !failure && running > 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      await immediate();
    }
    const events = batch;
    batch = [];
    if (events.length > 0) yield events;
    if (failure) throw failure.error;
    if (running === 0 && batch.length === 0) return;
  }
}
