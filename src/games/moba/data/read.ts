// Which reader a format's name stands for.
import { DraftwrightError } from "../../../errors.ts";
import type { MobaData } from "./dataset.ts";
import { readDraftRec } from "./draftrec-files.ts";
import { readKaggle } from "./kaggle.ts";
import { readOpenDota } from "./opendota.ts";

const readers = { opendota: readOpenDota, draftrec: readDraftRec, kaggle: readKaggle } as const;
export const mobaFormats = Object.keys(readers);

/** Throws `bad-argument` for an unknown format or a file that is not of it. */
export function readMatches(path: string, format: string): MobaData {
  if (!mobaFormats.includes(format)) {
    throw new DraftwrightError("bad-argument", `There is no format "${format}". Use ${mobaFormats.join(", ")}.`);
  }
  return readers[format as keyof typeof readers](path);
}
