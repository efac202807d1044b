// What a player sees of a table, in the width of the terminal.
import {
  actionNames,
  addDessertPoints,
  addRoundPoints,
  countText,
  faceNames,
  handNames,
  isHandKnown,
  phase,
  phaseOf,
  questions,
  type SushiState,
  trayText,
} from "../games/index.ts";
import { wrap } from "./game-advise.ts";
import { paint, type Style } from "./terminal.ts";

export const seatName = (q: number, n: number) => (q === 0 ? "you" : n === 2 ? "opponent" : `left ${q}`);

/** The table from player p's seat: scores, trays, fridges, hands that are known. */
export function tableText(s: SushiState, p: number, style: Style): string {
  const n = s.setup.players;
  const now = new Int32Array(n);
  if (!s.over) addRoundPoints(s, now);
  const desserts = new Int32Array(n);
  if (!s.over) addDessertPoints(s, desserts);
  const title = s.over
    ? "The game is over"
    : `Round ${s.round + 1} of 3, turn ${Math.min(s.turn + 1, s.setup.handSize)} of ${s.setup.handSize}`;
  const lines = [paint(`-- ${title} ${"-".repeat(Math.max(2, style.columns - title.length - 5))}`, "bold", style)];
  for (let q = 0; q < n; q++) {
    const seat = (p + q) % n;
    const points = `${s.score[seat]}`.padStart(4) + (s.over ? "" : ` ${column(now[seat])} ${column(desserts[seat])}`);
    const head = `${seatName(q, n).padEnd(9)}${points.padEnd(14)}`;
    const body = wrap(trayText(s, seat) || "-", style.columns - head.length - 1);
    lines.push(`${paint(head, q === 0 ? "green" : "cyan", style)} ${body.join(`\n${" ".repeat(head.length + 1)}`)}`);
  }
  for (let q = 1; q < n; q++) {
    if (s.over || !isHandKnown(s, q)) continue;
    const hand = handNames(s, (p + q) % n);
    const head = `${seatName(q, n)} holds`.padEnd(24);
    const text = wrap(counted(hand), style.columns - 25).join(`\n${" ".repeat(24)}`);
    lines.push(paint(`${head}${text}`, "dim", style));
  }
  return `${lines.join("\n")}\n`;
}

export const signed = (points: number) => `${points >= 0 ? "+" : ""}${points}`;
const column = (points: number) => signed(points).padStart(4);
const counted = (names: readonly string[]) =>
  countText(faceNames.map((name) => names.filter((other) => other === name).length));

/** The question of the phase and the numbered answers, in columns. */
export function menuText(s: SushiState, p: number, actions: readonly number[], style: Style): string {
  const copies = (a: number) => handNames(s, p).filter((name) => name === actionNames[a]).length;
  const cells = actions.map((a, i) => {
    const count = phaseOf(s, p) === phase.pick && copies(a) > 1 ? ` x${copies(a)}` : "";
    return `${String(i + 1).padStart(2)} ${actionNames[a]}${count}`;
  });
  const width = Math.max(...cells.map((cell) => cell.length)) + 2;
  const perLine = Math.max(1, Math.floor((style.columns - 1) / width));
  const lines: string[] = [];
  for (let i = 0; i < cells.length; i += perLine) {
    lines.push(
      cells
        .slice(i, i + perLine)
        .map((cell) => cell.padEnd(width))
        .join("")
        .trimEnd(),
    );
  }
  return `${paint(questions[phaseOf(s, p)], "bold", style)}\n${lines.join("\n")}\n`;
}
