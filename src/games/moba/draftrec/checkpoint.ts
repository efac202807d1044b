// A trained DraftRec as one GGUF file: weights, names, scaling, ratings. No account ids are in it: users are never learned.
import { DraftwrightError } from "../../../errors.ts";
import { type MetadataValue, openGguf } from "../../../ggml/index.ts";
import * as nn from "../../../nn/index.ts";
import { decodeRatings, encodeRatings, type Ratings } from "../ratings.ts";
import { type DraftRecConfig, draftRecConfig } from "./config.ts";
import { DraftRecModel, type DraftRecNames } from "./model.ts";

const key = "draftwright.draftrec";

interface Header {
  readonly config: DraftRecConfig;
  readonly names: DraftRecNames;
  /** [champion ids] shares of picks when the file was made. */
  readonly trend: readonly number[];
  /** What it was trained on, in words. */
  readonly trainedOn: string;
  readonly ratings: string;
  readonly formWeight?: number;
}

export interface DraftRecCheckpoint {
  /** Owned by the caller. */
  readonly model: DraftRecModel;
  readonly trend: readonly number[];
  readonly ratings: Ratings;
  readonly trainedOn: string;
}

/** The file appears when it is complete. */
export function saveDraftRec(path: string, { model, trend, ratings, trainedOn }: DraftRecCheckpoint): void {
  const { champions, roles, statNames, scaling } = model;
  const header: Header = {
    config: model.config,
    names: { champions, roles, statNames, scaling },
    trend,
    trainedOn,
    ratings: encodeRatings(ratings),
    formWeight: model.formWeight,
  };
  const extra = new Map<string, MetadataValue>([[key, { type: "string", value: JSON.stringify(header) }]]);
  nn.saveParameters(path, model.network.parameters, extra);
}

/** Throws `bad-checkpoint` for another kind of file. */
export function loadDraftRec(path: string, options: { threads?: number } = {}): DraftRecCheckpoint {
  let text: string | undefined;
  {
    using gguf = openGguf(path);
    text = gguf.metadata.string(key);
  }
  if (text === undefined) {
    throw new DraftwrightError(
      "bad-checkpoint",
      `${path} is no DraftRec checkpoint; make one with \`draftwright game moba train --out FILE\`.`,
    );
  }
  const { config, names, trend, trainedOn, ratings, formWeight } = JSON.parse(text) as Header;
  const model = new DraftRecModel(draftRecConfig(config, config), names, options);
  try {
    nn.loadParameters(path, model.network.parameters);
    model.formWeight = formWeight ?? 0;
    return { model, trend, ratings: decodeRatings(ratings, names.champions.length), trainedOn };
  } catch (error) {
    model[Symbol.dispose]();
    throw error;
  }
}
