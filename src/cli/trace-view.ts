import { Command } from "commander";
import { parseTrace, tracePage } from "../bench/harness/index.ts";
import { readInput, writeOutput } from "./flags.ts";

export function traceCommand(): Command {
  const command = new Command("trace").description(
    "Look at what `generate --trace-out` and `bench --trace-out` recorded.",
  );
  command
    .command("view")
    .description("Render a trace as one HTML page: draft trees, sources by colour, cost of each round.")
    .argument("<file>", "a trace, or - for standard input")
    .option("--out <file>", "write the page to a file instead of stdout")
    .action((file: string, { out }: { out?: string }) => {
      writeOutput(tracePage(parseTrace(readInput(file), file)), out);
    });
  return command;
}
