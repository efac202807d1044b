import { Command, Option } from "commander";
import type { ProfileReport } from "../engine/index.ts";
import { decimal, integers, loadFromFlags, type ModelFlags, withModelFlags, writeOutput } from "./flags.ts";
import { simulateParallelDrafting, simulationText } from "./simulate-parallel.ts";
import { milliseconds, paint, type Style, styleOf } from "./terminal.ts";

interface Flags extends ModelFlags {
  widths?: number[];
  kv?: number[];
  simulate?: "parallel";
  deviceMs?: number;
  json?: boolean;
  out?: string;
}

export function profileCommand(): Command {
  return withModelFlags(new Command("profile"))
    .description("Measure what a round costs by its width, keep it for later runs, and prove the numerics.")
    .option("--widths <list>", "rows of a forward (default: 1,2,3,4,6,8,12,16)", integers(1))
    .option("--kv <list>", "committed rows before it (default: 0,256,1024)", integers(0))
    .addOption(
      new Option("--simulate <method>", "what drafting beside the target would gain, by acceptance").choices([
        "parallel",
      ]),
    )
    .option("--device-ms <ms>", "with --simulate: time of a round on the other device, at any width", decimal)
    .option("--json", "print one JSON object instead of the plot")
    .option("--out <file>", "write to a file instead of stdout")
    .action(async (flags: Flags) => {
      await using model = await loadFromFlags(flags);
      const { isTTY } = styleOf(process.stderr);
      const onProgress = (share: number) => {
        if (isTTY) process.stderr.write(`\r\u001b[Kmeasuring ${Math.floor(share * 100)} %`);
      };
      const report = await model.profile({ widths: flags.widths, kv: flags.kv, onProgress });
      if (isTTY) process.stderr.write("\r\u001b[K");
      const { path, name, threads } = model.info;
      // What was measured wins over what the recipe promises.
      const numerics = model.info.numerics === "exact" && report.proof.exact ? "exact" : "fast";
      const { widths, kv, ms } = report;
      const simulation =
        flags.simulate && (await simulateParallelDrafting(flags, model, { widths, kv, ms }, flags.deviceMs));
      const text = flags.json
        ? `${JSON.stringify({ widths, kv, ms, model: path, threads, numerics, ...(simulation && { simulation }) })}\n`
        : `${name || path}, ${threads === 1 ? "1 thread" : `${threads} threads`}\n\n${plot(report, styleOf(process.stdout))}\n${proofText(report, numerics)}${simulation ? `\n${simulationText(simulation)}` : ""}`;
      writeOutput(text, flags.out);
    });
}

/** One bar per width and KV length, all on one scale, with the price of a round in plain tokens. */
export function plot({ widths, kv, ms }: Pick<ProfileReport, "widths" | "kv" | "ms">, style: Style): string {
  const most = Math.max(...ms.flat());
  const room = style.columns - 34;
  return kv
    .map((rows, j) => {
      const lines = widths.map((width, i) => {
        const time = ms[i][j];
        const bar = "#".repeat(Math.max(1, Math.round((time / most) * room)));
        const price = (time / ms[0][j]).toFixed(2);
        return `${String(width).padStart(5)}  ${milliseconds(time).padStart(8)}  ${price.padStart(6)}x  ${paint(bar, "cyan", style)}\n`;
      });
      return `after ${rows} tokens of context\nwidth      time   price\n${lines.join("")}`;
    })
    .join("\n");
}

function proofText({ proof, ms, widths }: ProfileReport, numerics: string): string {
  const last = widths.length - 1;
  const gain = (ms[last][0] / ms[0][0]).toFixed(1);
  const meaning = `A round of width ${widths[last]} costs ${gain} plain tokens, so it pays when it emits more.\n`;
  const worst = [...proof.differing].sort((a, b) => b.largest - a.largest).at(0);
  const found = worst
    ? `logits differ by ${worst.largest.toExponential(1)} at width ${worst.width} after ${worst.kv} tokens`
    : "all bits equal";
  return `${meaning}numerics: ${numerics}; ${proof.rows} rows compared with the same rows alone: ${found}\n`;
}
