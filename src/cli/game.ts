import { Command } from "commander";
import { sushiAdviseCommand } from "./game-advise.ts";
import { sushiBenchCommand, sushiEvalCommand, sushiSimulateCommand, sushiTournamentCommand } from "./game-measure.ts";
import { mobaCommand } from "./game-moba.ts";
import { sushiPlayCommand } from "./game-play.ts";
import { sushiStudyCommand } from "./game-study.ts";
import { sushiTrainCommand } from "./game-train.ts";

export function gameCommand(): Command {
  const sushi = new Command("sushi").description("Sushi Go Party!: play, advice, training, tournaments, measurements.");
  for (const subcommand of [
    sushiPlayCommand,
    sushiAdviseCommand,
    sushiTournamentCommand,
    sushiEvalCommand,
    sushiTrainCommand,
    sushiStudyCommand,
    sushiSimulateCommand,
    sushiBenchCommand,
  ]) {
    sushi.addCommand(subcommand());
  }
  return new Command("game")
    .description("Drafting games: agents, advice, measurements.")
    .addCommand(sushi)
    .addCommand(mobaCommand());
}
