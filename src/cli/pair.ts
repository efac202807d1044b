import { Command } from "commander";
import { modelStore } from "../engine/index.ts";
import { DraftwrightError } from "../errors.ts";
import { type ModelHeader, type Pairing, pairModels, readHeader } from "../lm/pairing/index.ts";
import { listModels, resolveModel } from "../lm/store/index.ts";

interface Candidate {
  readonly name: string;
  readonly header: ModelHeader;
}

interface Report {
  readonly name: string;
  readonly path: string;
  readonly drafters: readonly ({ readonly name: string; readonly path: string } & Pairing)[];
}

export function pairCommand(): Command {
  return new Command("pair")
    .description("Which local models can draft for which, and why not. Reads headers only.")
    .argument("[target]", "a GGUF file or a name from `draftwright models list` (default: every model)")
    .option("--json", "print one JSON array")
    .action(pair);
}

async function pair(target: string | undefined, { json }: { json?: boolean }): Promise<void> {
  const store = modelStore();
  const candidates = (await listModels(store)).flatMap(({ name, path }) => read(name, path));
  const targets = target === undefined ? candidates : [named(await resolveModel(target, store), target, candidates)];
  const reports = targets.map(
    ({ name, header }): Report => ({
      name,
      path: header.path,
      drafters: candidates
        .filter((other) => other.header.path !== header.path)
        .map((other) => ({ name: other.name, path: other.header.path, ...pairModels(header, other.header) }))
        .sort((a, b) => order.indexOf(a.fit) - order.indexOf(b.fit) || a.sizeRatio - b.sizeRatio),
    }),
  );
  process.stdout.write(json ? `${JSON.stringify(reports)}\n` : reports.map(text).join("\n"));
}

const order: readonly Pairing["fit"][] = ["same-vocabulary", "re-encode", "no"];

/** A file that is no GGUF file is named on stderr and left out. */
function read(name: string, path: string): Candidate[] {
  try {
    return [{ name, header: readHeader(path) }];
  } catch (error) {
    if (!(error instanceof DraftwrightError)) throw error;
    process.stderr.write(`${name}: ${error.message}\n`);
    return [];
  }
}

function named(path: string, name: string, candidates: readonly Candidate[]): Candidate {
  return candidates.find(({ header }) => header.path === path) ?? { name, header: readHeader(path) };
}

function text({ name, drafters }: Report): string {
  const width = Math.max(0, ...drafters.map((drafter) => drafter.name.length));
  const lines = drafters.map(({ name, fit, sizeRatio, reasons }) => {
    // A file of a vocabulary alone weighs nothing.
    const ratio = sizeRatio < 10 ? sizeRatio.toFixed(2) : Math.round(sizeRatio);
    const size = Number.isFinite(sizeRatio) ? `${ratio}x` : "-";
    return `  ${fit.padEnd(15)}  ${name.padEnd(width)}  ${size.padStart(6)}  ${reasons.join("; ")}`;
  });
  return `${[name, ...(lines.length > 0 ? lines : ["  there is no other model on this machine"])].join("\n")}\n`;
}
