// `npm start`: two clauses, decoded plainly and drafted, side by side. Ends by itself, in well under a minute.
import { Command } from "commander";
import { exitCode } from "../errors.ts";
import { loadFromFlags, type ModelFlags, withModelFlags } from "../flags.ts";
import { interruptible } from "../interrupt.ts";
import { styleOf } from "../terminal.ts";
import { measure, type Outcome } from "./measure.ts";
import { closing, opening, scenePage } from "./page.ts";
import { scenes } from "./scenes.ts";

/** Per scene, for repeats beyond the first. */
const budgetMs = 8000;

export function demoCommand(): Command {
  return withModelFlags(new Command("demo"))
    .description("Two clauses with the embedded model, plain and drafted side by side.")
    .option("--json", "print one JSON object instead of the page")
    .action((flags: ModelFlags & { json?: boolean }) => interruptible((signal) => demo(flags, signal)));
}

async function demo(flags: ModelFlags & { json?: boolean }, signal: AbortSignal): Promise<void> {
  const style = styleOf(process.stdout);
  const show = (text: string) => void (flags.json || process.stdout.write(text));
  const status = (text: string) => void (process.stderr.isTTY && process.stderr.write(`\r\u001b[K${text}`));
  status("loading the model ..");
  await using model = await loadFromFlags(flags);
  status("");
  show(opening(model.info, style));
  const outcomes: Outcome[] = [];
  for (const [i, scene] of scenes.entries()) {
    status(`${scene.title}: plain and drafted, in turns ..`);
    const outcome = await measure(model, scene, budgetMs, signal);
    status("");
    outcomes.push(outcome);
    show(scenePage(outcome, i + 1, model.info, style));
  }
  show(closing(style));
  if (flags.json) process.stdout.write(`${JSON.stringify({ model: model.info.path, scenes: outcomes })}\n`);
  if (outcomes.some(({ same }) => !same) && model.info.numerics === "exact") process.exitCode = exitCode.failed;
}
