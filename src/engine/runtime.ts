import type { LoadedModel, LoadOptions } from "../lm/load.ts";
import type { LanguageModel } from "../lm/model.ts";

/** What the engine uses of a loaded model file. Tests put the toy models behind it. */
export interface EngineModel {
  readonly path: string;
  readonly model: LanguageModel;
  readonly tokenizer: Pick<
    LoadedModel["tokenizer"],
    | "hash"
    | "vocabSize"
    | "bos"
    | "eos"
    | "addsBos"
    | "endOfGeneration"
    | "controlTexts"
    | "isEndOfGeneration"
    | "encode"
    | "decode"
    | "pieceBytes"
  >;
  readonly config: { readonly architecture: string; readonly name?: string };
  readonly hash: string;
  readonly chatTemplate: string | undefined;
  readonly threads: number;
  readonly device: string;
  /** Its logits tell the likeliest token, and nothing of the others. */
  readonly greedyOnly?: boolean;
  [Symbol.dispose](): void;
}

export type LoadModelFile = (path: string, options: LoadOptions) => EngineModel;
