// The command `draftwright`: one file per subcommand, each a thin skin over the library. Data goes to stdout, everything
// else to stderr. `main` never throws and never calls process.exit: it sets the exit code and lets the process end.
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { benchCommand } from "./bench.ts";
import { chatCommand } from "./chat.ts";
import { dbCommand } from "./db.ts";
import { demoCommand } from "./demo/index.ts";
import { drafterCommand } from "./drafter.ts";
import { exitCode, report } from "./errors.ts";
import { gameCommand } from "./game.ts";
import { generateCommand } from "./generate.ts";
import { layerSkipCommand } from "./layer-skip.ts";
import { modelsCommand } from "./models.ts";
import { pairCommand } from "./pair.ts";
import { profileCommand } from "./profile.ts";
import { serveCommand } from "./serve.ts";
import { traceCommand } from "./trace-view.ts";
import { trainCommand } from "./train.ts";
import { verifyCommand } from "./verify/index.ts";

export async function main(args: readonly string[]): Promise<void> {
  // `draftwright .. | head` closes our output early: that is not an error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    process.exit(error.code === "EPIPE" ? exitCode.done : exitCode.failed);
  });
  try {
    await program().parseAsync([...args], { from: "user" });
  } catch (error) {
    process.exitCode = report(error);
  }
}

function program(): Command {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  const command = new Command("draftwright")
    .description("Draft first, verify always: the same text from a local model, in less time.")
    .version(version)
    .showSuggestionAfterError()
    .showHelpAfterError("(--help shows the options)");
  const subcommands = [
    generateCommand,
    chatCommand,
    modelsCommand,
    pairCommand,
    profileCommand,
    verifyCommand,
    serveCommand,
    benchCommand,
    traceCommand,
    dbCommand,
    layerSkipCommand,
    trainCommand,
    drafterCommand,
    gameCommand,
    demoCommand,
  ];
  for (const subcommand of subcommands) command.addCommand(subcommand());
  throwInsteadOfExit(command);
  return command;
}

function throwInsteadOfExit(command: Command): void {
  command.exitOverride();
  for (const subcommand of command.commands) throwInsteadOfExit(subcommand);
}
