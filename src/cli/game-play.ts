import { createInterface } from "node:readline";
import { Command } from "commander";
import { DraftwrightError } from "../errors.ts";
import {
  type Agent,
  actionNames,
  advise,
  dessertTotal,
  lastChoice,
  legalActions,
  makeSetup,
  newState,
  playOthers,
  Recorder,
  replay,
  type SushiState,
  winShares,
} from "../games/index.ts";
import { exitCode } from "./errors.ts";
import { names, readInput } from "./flags.ts";
import { adviceText, wrap } from "./game-advise.ts";
import { isSavedGame, parseState, saveGame } from "./game-file.ts";
import { adviserNamed, agentNamed, type GameFlags, withGameFlags } from "./game-flags.ts";
import { menuText, seatName, signed, tableText } from "./game-screen.ts";
import { paint, printable, type Style, styleOf } from "./terminal.ts";

interface Flags extends GameFlags {
  vs: string[];
  save?: string;
  resume?: string;
}

const you = 0;
const help =
  "A number or a name plays. h hint, u undo, s [file] save, t table, q quit.\n" +
  "Points: banked, then what round and desserts would add if they ended now.\n";

export function sushiPlayCommand(): Command {
  return withGameFlags(
    new Command("play").description("Play against agents. Keys: number, h hint, u undo, s save, q quit."),
    2,
  )
    .option("--vs <names>", "agents in the other seats, in turn", names, ["heuristic"])
    .option("--save <file>", "save after every decision")
    .option("--resume <file>", "go on with a saved game")
    .action((flags: Flags) => new Session(flags).run());
}

/** One evening at the table: the game so far, and what the keys do to it. */
class Session {
  readonly style: Style = styleOf(process.stdout);
  readonly opponents: readonly string[];
  readonly agents: readonly Agent[];
  file: string | undefined;
  game: Recorder;
  shown = 0;
  round = 0;
  banked: readonly number[] = [];

  constructor(flags: Flags) {
    this.file = flags.save ?? flags.resume;
    if (flags.resume === undefined) {
      this.opponents = Array.from({ length: flags.players - 1 }, (_, i) => flags.vs[i % flags.vs.length]);
      this.game = new Recorder(newState(makeSetup(flags), flags.seed), flags.seed);
    } else {
      const text = readInput(flags.resume);
      const saved = text.trimStart().startsWith("{") ? parseState(text) : undefined;
      if (!saved || !isSavedGame(saved)) {
        throw new DraftwrightError(
          "bad-argument",
          `${flags.resume} is no saved game; for advice on a table use advise.`,
        );
      }
      this.opponents = saved.opponents;
      this.game = new Recorder(replay(saved), saved.seed, saved.moves);
      this.shown = saved.moves.length;
    }
    this.#bank();
    this.agents = this.opponents.map((name) => agentNamed(name, this.state.setup));
    if (this.agents.length !== this.state.setup.players - 1) {
      throw new DraftwrightError("bad-argument", "The saved game does not name an opponent for every seat.");
    }
  }

  get state(): SushiState {
    return this.game.state;
  }

  async run(): Promise<void> {
    const isTTY = process.stdin.isTTY === true;
    const lines = createInterface({
      input: process.stdin,
      output: isTTY ? process.stderr : undefined,
      terminal: isTTY,
    });
    lines.on("SIGINT", () => {
      process.exitCode = exitCode.interrupted;
      lines.close();
    });
    lines.setPrompt(paint("> ", "bold", this.style));
    const { menu, players } = this.state.setup;
    const head = `Sushi Go Party!  ${players} players, seed ${this.game.seed}; against ${this.opponents.join(", ")}`;
    const paragraphs = [head, `nigiri, ${menu.join(", ")}`].flatMap((text) => wrap(text, this.style.columns));
    this.show(`${paragraphs.join("\n")}\n${help}`);
    if (!this.advance()) return lines.close();
    lines.prompt();
    for await (const line of lines) {
      if (!this.answer(line.trim())) break;
      lines.prompt();
    }
    lines.close();
    if (!this.state.over) this.show(this.file ? "" : "Not finished; --save FILE keeps a game.\n");
  }

  show(text: string): void {
    process.stdout.write(text);
  }

  legal(): number[] {
    return legalActions(this.state, you);
  }

  /** Plays everybody else, and what leaves you no choice; true when you are asked. */
  advance(): boolean {
    playOthers(this.game, this.agents);
    if (this.file) this.save(this.file);
    this.showMoves();
    this.show(tableText(this.state, you, this.style));
    if (this.state.over) this.showEnd();
    else this.show(menuText(this.state, you, this.legal(), this.style));
    return !this.state.over;
  }

  /** What others did since you last looked. While you commit, nobody else has yet. */
  showMoves(): void {
    const n = this.state.setup.players;
    const made = this.game.moves.slice(this.shown).filter(([p, name]) => p !== you && name !== "no-call");
    for (let q = 1; q < n; q++) {
      const theirs = made.filter(([p]) => p === q).map(([, name]) => name);
      if (theirs.length > 0) this.show(paint(`${seatName(q, n)}: ${theirs.join(", ")}\n`, "yellow", this.style));
    }
    this.shown = this.game.moves.length;
    if (this.state.round === this.round && !this.state.over) return;
    const what = this.state.over ? "Round 3 and desserts" : `Round ${this.round + 1}`;
    const gains = Array.from(this.state.score, (score, q) => `${seatName(q, n)} ${signed(score - this.banked[q])}`);
    const lines = wrap(`${what} scored: ${gains.join(", ")}`, this.style.columns);
    this.show(`${paint(lines.join("\n"), "yellow", this.style)}\n`);
    this.#bank();
  }

  /** From here on points are news. */
  #bank(): void {
    this.round = this.state.round;
    this.banked = Array.from(this.state.score);
  }

  showEnd(): void {
    const s = this.state;
    const n = s.setup.players;
    const shares = winShares(s);
    const winners = shares.flatMap((share, q) => (share > 0 ? [seatName(q, n)] : []));
    const tied = Array.from(s.score).filter((score) => score === Math.max(...s.score)).length > 1;
    const why = tied ? ` (desserts decide: ${shares.map((_, q) => dessertTotal(s, q)).join(", ")})` : "";
    this.show(
      `${paint(winners.length > 1 ? `Shared by ${winners.join(" and ")}` : `Won by ${winners[0]}`, "green", this.style)}${why}\n`,
    );
  }

  /** One line of yours; false ends the session. */
  answer(line: string): boolean {
    const [word, ...rest] = line.split(/\s+/);
    if (word === "q") return false;
    if (word === "?" || word === "help") this.show(help);
    else if (word === "h") this.showHint();
    else if (word === "u") this.undo();
    else if (word === "t")
      this.show(tableText(this.state, you, this.style) + menuText(this.state, you, this.legal(), this.style));
    else if (word === "s") this.saveAs(rest.join(" ") || this.file);
    else if (word !== "") return this.choose(line.toLowerCase().replaceAll(/\s+/g, "-"));
    return true;
  }

  showHint(): void {
    const options = { ...adviserNamed(undefined, this.state.setup), worlds: 48, budgetMs: 2000 };
    this.show(adviceText(advise(this.state, you, options), this.style));
  }

  choose(answer: string): boolean {
    const legal = this.legal();
    const matches = legal.filter((a) => actionNames[a].includes(answer));
    const exact = legal.filter((a) => actionNames[a] === answer);
    const action = /^\d+$/.test(answer) ? legal[Number(answer) - 1] : exact.length === 1 ? exact[0] : matches[0];
    if (action === undefined || (!/^\d+$/.test(answer) && exact.length === 0 && matches.length > 1)) {
      const among = matches.length > 1 ? `; it may be ${matches.map((a) => actionNames[a]).join(" or ")}` : "";
      const said = `"${answer}" is none of 1 to ${legal.length}${among}. ? helps.`;
      this.show(`${wrap(printable(said), this.style.columns).join("\n")}\n`);
      return true;
    }
    this.game.play(you, action);
    return this.advance();
  }

  undo(): void {
    const last = lastChoice(this.game.transcript);
    if (last === undefined) {
      this.show("There is nothing to undo.\n");
      return;
    }
    const { transcript } = this.game;
    this.game = new Recorder(replay(transcript, last), transcript.seed, transcript.moves.slice(0, last));
    this.shown = last;
    this.#bank();
    this.advance();
  }

  saveAs(path: string | undefined): void {
    if (path === undefined) {
      this.show("Say where: s game.json\n");
      return;
    }
    try {
      this.save(path);
      this.show(`Saved. --resume ${path} goes on from here.\n`);
    } catch (error) {
      if (!(error instanceof DraftwrightError)) throw error;
      this.show(`${error.message}\n`);
    }
  }

  save(path: string): void {
    saveGame(path, { game: "sushi-go-party", opponents: this.opponents, ...this.game.transcript });
  }
}
