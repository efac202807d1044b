// Pages of the studies: tables and plots in one file, without a network.
import type { Generalisation, Interpretation, MemoryRow, RankComparison, Transfer } from "../games/index.ts";

const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const points = (share: number) => `${share >= 0 ? "+" : ""}${(100 * share).toFixed(1)}`;

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>
:root { color-scheme: light dark; --ink: #1c1c1c; --soft: #777; --mark: #1768ac; --paper: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --soft: #999; --mark: #6cb4ee; --paper: #161616; } }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
table { border-collapse: collapse; } th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid var(--soft); }
td.cell { background: color-mix(in srgb, var(--mark) calc(60% * var(--share)), transparent); }
th:first-child, td:first-child { text-align: left; }
svg { max-width: 100%; } svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
svg .axis { stroke: var(--soft); } svg .mark { stroke: var(--mark); fill: var(--mark); stroke-width: 2; }
</style>
<h1>${escapeHtml(title)}</h1>
${body}
</html>
`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join("")}</tr>`;
  return `<table>${line(head, "th")}${rows.map((row) => line(row, "td")).join("")}</table>`;
}

/** Shares in cells that are the darker the nearer to one; columns are numbered like the rows. */
function matrix(
  names: readonly string[],
  cells: readonly (readonly number[])[],
  format: (x: number) => string,
): string {
  const head = cells[0].map((_, j) => `<th title="${escapeHtml(names[j])}">${j + 1}</th>`).join("");
  const rows = names.map((name, i) => {
    const shades = cells[i].map(
      (x) =>
        `<td class="cell" style="--share: ${Math.min(1, Math.max(0, x)).toFixed(2)}">${escapeHtml(format(x))}</td>`,
    );
    return `<tr><td>${i < cells[i].length ? `${i + 1} ` : ""}${escapeHtml(name)}</td>${shades.join("")}</tr>`;
  });
  return `<table><tr><th></th>${head}</tr>${rows.join("")}</table>`;
}

interface Bar {
  readonly label: string;
  readonly value: number;
  readonly lo?: number;
  readonly hi?: number;
}

/** Values with their intervals on one axis that shows `zero`. */
function intervals(bars: readonly Bar[], zero: number, format: (x: number) => string): string {
  const all = bars.flatMap(({ value, lo = value, hi = value }) => [value, lo, hi]);
  const least = Math.min(zero, ...all);
  const most = Math.max(zero, ...all, least + 1e-9);
  const x = (value: number) => 220 + (480 * (value - least)) / (most - least);
  const height = 24 * bars.length + 30;
  const rows = bars.map(({ label, value, lo = value, hi = value }, i) => {
    const y = 16 + 24 * i;
    return `<text x="0" y="${y + 4}">${escapeHtml(label)}</text><line class="mark" x1="${x(lo).toFixed(1)}" x2="${x(hi).toFixed(1)}" y1="${y}" y2="${y}"/><circle class="mark" cx="${x(value).toFixed(1)}" cy="${y}" r="4"/><text x="712" y="${y + 4}">${escapeHtml(format(value))}</text>`;
  });
  const axis = `<line class="axis" x1="${x(zero).toFixed(1)}" x2="${x(zero).toFixed(1)}" y1="0" y2="${height - 20}"/><text x="${x(zero).toFixed(1)}" y="${height - 4}" text-anchor="middle">${escapeHtml(format(zero))}</text>`;
  return `<svg viewBox="0 0 800 ${height}" role="img">${axis}${rows.join("")}</svg>`;
}

/** One dot an item. */
function scatter(dots: readonly { x: number; y: number; title: string }[], xName: string, yName: string): string {
  const ys = dots.map(({ y }) => y);
  const low = Math.min(0, ...ys);
  const high = Math.max(...ys, low + 1e-9);
  const px = (x: number) => 60 + 85 * x;
  const py = (y: number) => 290 - (260 * (y - low)) / (high - low);
  const marks = dots.map(
    ({ x, y, title }, i) =>
      `<circle class="mark" fill-opacity=".4" cx="${(px(x) + ((i * 7) % 21) - 10).toFixed(1)}" cy="${py(y).toFixed(1)}" r="4"><title>${escapeHtml(title)}</title></circle>`,
  );
  const ticks = Array.from({ length: 8 }, (_, d) => `<text x="${px(d)}" y="308" text-anchor="middle">${d}</text>`);
  const sides = [...new Set([low, 0, high])].map((y) => `<text x="0" y="${py(y) + 4}">${y.toFixed(2)}</text>`);
  return `<svg viewBox="0 0 740 340" role="img"><line class="axis" x1="40" x2="720" y1="${py(0)}" y2="${py(0)}"/>${ticks.join("")}${sides.join("")}${marks.join("")}<text x="370" y="332" text-anchor="middle">${escapeHtml(xName)}</text><text x="60" y="14">${escapeHtml(yName)}</text></svg>`;
}

interface MemoryNumbers {
  readonly minutes: number;
  readonly games: number;
  readonly seeds: number;
  readonly rows: readonly MemoryRow[];
}

export function memoryPage({ minutes, games, seeds, rows }: MemoryNumbers): string {
  const above = rows.filter(({ interval }) => interval.lo > 0).length;
  const label = (row: MemoryRow) => `${row.algorithm}, ${row.menu}, ${row.players}p`;
  const bars = rows.map((row) => ({ label: label(row), value: row.gain, ...row.interval }));
  const probes = rows.flatMap((row) =>
    Object.entries(row.probe).map(([network, r2]) => [label(row), network, ...r2.map((x) => x.toFixed(2))]),
  );
  const seats = Math.max(...rows.map(({ players }) => players - 1));
  return page(
    "Memory: hands that were held before",
    `<p>One agent that sees the hands it held before sits with copies of the one that does not. Share of wins above the fair
share, in points; ${seeds} pairs of networks a row, each trained for ${minutes} minutes of CPU time; ${games} games a pair on the
same deals from all seats. Intervals of 95 % draw pairs, then deals. Above zero: ${above} of ${rows.length}.</p>
${intervals(bars, 0, points)}
${table(
  ["", "gain", "interval", "pairs", "with, against heuristic", "without"],
  rows.map((row) => [
    label(row),
    points(row.gain),
    `${points(row.interval.lo)} to ${points(row.interval.hi)}`,
    row.gains.map(points).join(" "),
    percent(row.againstHeuristic.with),
    percent(row.againstHeuristic.without),
  ]),
)}
<h2>What a linear probe reads off the last hidden layer</h2>
<p>R2 on held-out games of the counts in the hand q seats to the left, once it was held.</p>
${table(["", "network", ...Array.from({ length: seats }, (_, q) => `q = ${q + 1}`)], probes)}`,
  );
}

interface GeneralisationNumbers extends Generalisation {
  readonly trainedOn: readonly string[];
  readonly players: number;
  readonly minutes: number;
  readonly games: number;
  readonly transfer?: Transfer;
}

export function generalisationPage(numbers: GeneralisationNumbers): string {
  const { menus, byDistance, rho, trainedOn, players, minutes, games } = numbers;
  const dots = menus.map(({ menu, distance, score }) => ({ x: distance, y: score, title: menu.join(", ") }));
  return page(
    "Generalisation: menus that were not trained on",
    `<p>A Double DQN of ${players} players trained for ${minutes} minutes of CPU time on ${escapeHtml(trainedOn.join(", "))}; ${games} games a menu
against greedy, heuristic and random. Score: 0 plays like random, 1 like the heuristic on the same deals. Distance: tiles of
seven that differ from the nearest menu trained on.</p>
<p>Spearman's rho of distance and score: ${rho.score.toFixed(2)} (95 %: ${rho.scoreInterval.lo.toFixed(2)} to ${rho.scoreInterval.hi.toFixed(2)}); of distance and win
rate: ${rho.winRate.toFixed(2)} (${rho.winRateInterval.lo.toFixed(2)} to ${rho.winRateInterval.hi.toFixed(2)}).</p>
${scatter(dots, "distance", "score")}
${table(
  ["distance", "menus", "win rate", "score", "interval"],
  byDistance.map(({ distance, menus: count, network, score, interval }) => [
    String(distance),
    String(count),
    percent(network),
    score.toFixed(2),
    `${interval.lo.toFixed(2)} to ${interval.hi.toFixed(2)}`,
  ]),
)}
${numbers.transfer ? transferPart(numbers.transfer) : ""}`,
  );
}

function transferPart({ menus, winRate, score, random, regret, rho, rhoInterval }: Transfer): string {
  return `<h2>Eight networks on eight menus</h2>
<p>Rows: the menu a network was trained on. Columns: the menu it plays, by the number of the row. Score: 0 plays like random,
1 like the network of that menu. Spearman's rho of distance and score off the diagonal: ${rho.toFixed(2)} (95 % over networks:
${rhoInterval.lo.toFixed(2)} to ${rhoInterval.hi.toFixed(2)}). A network wins ${(100 * regret).toFixed(1)} points less on another's menu than the network of that menu, on average.</p>
${matrix(menus, score, (x) => x.toFixed(2))}
<h2>The same as win rates</h2>
<p>In %, against greedy, heuristic and random; the last row plays at random.</p>
${matrix([...menus, "random"], [...winRate, random], (x) => (100 * x).toFixed(1))}`;
}

interface InterpretationNumbers extends Interpretation {
  readonly menu: string;
  readonly players: number;
  readonly games: number;
  readonly agent: string;
}

export function interpretationPage(numbers: InterpretationNumbers): string {
  const { fidelity, heuristicAgreement, rules, preferences, pickRates, versusHeuristic, versusRanking } = numbers;
  const models = [
    ["tree of depth 4", fidelity.tree],
    ["additive preferences", fidelity.additive],
    ["the heuristic", heuristicAgreement],
    ["card with the highest pick rate", fidelity.pickRate],
    ["card taken most often", fidelity.popularity],
    ["chance", fidelity.chance],
  ] as const;
  return page(
    `Interpretation: ${numbers.menu}, ${numbers.players} players`,
    `<p>${numbers.choices} picks of ${escapeHtml(numbers.agent)} in ${numbers.games} games against itself; a quarter of the games is held out. Share of
held-out picks that a model makes too, with intervals over games. The tree is ${(fidelity.tree.share / fidelity.popularity.share).toFixed(2)} times as faithful as
always the card that is taken most often.</p>
${intervals(
  models.map(([label, { share, interval }]) => ({ label, value: share, ...interval })),
  0,
  percent,
)}
<h2>Rules of the tree</h2>
<p>Points now: what the card adds at once. Prospects: with the worth of sets that it begins. Pick rate: how often the card is
taken when it can be; in this case: with as many copies already in the own tray, or a free wasabi. Ahead: less the same of the
best other card of the hand. Precision: share of such cards that were taken; lift: times the share of all cards.</p>
${table(
  ["a card is taken when", "precision", "support", "lift"],
  rules.map(({ when, precision, support, lift }) => [
    when.join(" and ") || "always",
    percent(precision),
    String(support),
    lift.toFixed(2),
  ]),
)}
<h2>Cards: how often they are taken when they can be</h2>
${intervals(
  pickRates.map(({ face, rate }) => ({ label: face, value: rate })),
  0,
  percent,
)}
<h2>Additive preferences</h2>
${table(
  ["per unit of", "utility"],
  preferences.features.map(({ feature, utility }) => [feature, utility.toFixed(3)]),
)}
${comparison("the heuristic's pick rates in the same positions", versusHeuristic)}
${versusRanking ? comparison("your ranking", versusRanking) : "<p>No human ranking of these cards could be had freely; give one with --ranking.</p>"}`,
  );
}

function comparison(other: string, { tau, rho, p, disagreements }: RankComparison): string {
  return `<h2>Compared with ${escapeHtml(other)}</h2>
<p>Kendall's tau-b ${tau.toFixed(2)} (permutation p = ${p.toFixed(4)}), Spearman's rho ${rho.toFixed(2)}. Largest differences in rank:</p>
${table(
  ["card", "agent", "other"],
  disagreements.map(({ face, agent, other: theirs }) => [face, String(agent), String(theirs)]),
)}`;
}
