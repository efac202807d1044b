// `draftwright verify`: the promise of the project as a command that anybody can run on their own model and prompts.
import { Command } from "commander";
import { parsePrompts } from "../../bench/harness/index.ts";
import { DraftwrightError } from "../../errors.ts";
import { exitCode } from "../errors.ts";
import {
  generateOptions,
  loadFromFlags,
  type ModelFlags,
  readInput,
  type SamplingFlags,
  withModelFlags,
  withSamplingFlags,
  writeOutput,
} from "../flags.ts";
import { interruptible } from "../interrupt.ts";
import { percent, styleOf } from "../terminal.ts";
import { compare, type VerifyReport } from "./compare.ts";

interface Flags extends ModelFlags, SamplingFlags {
  prompts: string;
  json?: boolean;
  out?: string;
}

export function verifyCommand(): Command {
  const command = new Command("verify").description(
    "Decode prompts plainly and drafted, and count tokens that differ. Exits 1 when exact numerics differ anywhere.",
  );
  return withSamplingFlags(withModelFlags(command))
    .requiredOption("--prompts <file>", 'JSON lines, each with "prompt" or "turns"; - reads standard input')
    .option("--json", "print one JSON object")
    .option("--out <file>", "write to a file instead of stdout")
    .action(async (flags: Flags) => {
      if (flags.verify === "ratio") {
        throw new DraftwrightError(
          "bad-argument",
          "Drafting under --verify ratio keeps the law of the text, not its tokens: there is nothing to compare.",
        );
      }
      const entries = parsePrompts(readInput(flags.prompts), flags.prompts);
      await interruptible(async (signal) => {
        await using model = await loadFromFlags(flags);
        const { isTTY } = styleOf(process.stderr);
        // Plain and drafted runs must draw the same: without a seed of the user's, any fixed one does.
        const options = { ...generateOptions(flags), seed: flags.seed ?? 0, signal };
        const report = await compare(model, entries, flags.draft, options, (done) => {
          if (isTTY) process.stderr.write(`\r\u001b[K${done} of ${entries.length} prompts`);
        });
        if (isTTY) process.stderr.write("\r\u001b[K");
        writeOutput(flags.json ? `${JSON.stringify(report)}\n` : reportText(report), flags.out);
        if (report.differing > 0 && report.numerics === "exact") process.exitCode = exitCode.failed;
      });
    });
}

function reportText({ prompts, skipped, tokens, differing, numerics, perMethod }: VerifyReport): string {
  const skips = skipped > 0 ? `, ${skipped} skipped (too long for the context)` : "";
  const lines = [`${prompts} prompts, ${tokens} tokens, numerics ${numerics}${skips}`];
  for (const [method, { rounds, proposed, accepted, ...of }] of Object.entries(perMethod)) {
    const share = proposed > 0 ? ` (${percent(accepted / proposed)})` : "";
    lines.push(
      `${method.padEnd(8)} ${of.differing} differing; ${rounds} rounds, ${proposed} proposed, ${accepted} accepted${share}`,
    );
  }
  lines.push(differing === 0 ? "same output: yes" : `same output: no, ${differing} tokens differ`);
  return `${lines.join("\n")}\n`;
}
