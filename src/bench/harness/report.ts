import type { Interval } from "./bootstrap.ts";
import { escapeHtml, htmlPage } from "./html.ts";
import type { BenchResult, BySubtask } from "./result.ts";

interface Row {
  readonly name: string;
  readonly cells: readonly (Interval | undefined)[];
  readonly note: string;
}

interface Block {
  readonly title: string;
  readonly rows: readonly Row[];
}

function columnsOf(result: BenchResult): string[] {
  const all = [...Object.values(result.methods), ...(result.oracle ? [result.oracle] : [])];
  return [...new Set(all.flatMap(({ subtasks }) => Object.keys(subtasks)))];
}

function blocksOf(result: BenchResult): Block[] {
  const columns = columnsOf(result);
  const row = <T extends Interval>(
    name: string,
    of: BySubtask<T>,
    pick: (cell: T) => Interval,
    note: (cell: T) => string,
  ): Row => ({
    name,
    cells: [...columns.map((column) => of.subtasks[column]), of.overall].map((cell) => cell && pick(cell)),
    note: note(of.overall),
  });
  const methods = Object.entries(result.methods);
  const { oracle } = result;
  return [
    {
      title: "speed-up over plain decoding, prefill included (Spec-Bench)",
      rows: methods.map(([name, of]) =>
        row(
          name,
          of,
          (cell) => cell,
          (cell) => `${cell.meanEmitted.toFixed(2)} a round, ${cell.tokensPerSecond.toFixed(1)} tokens/s`,
        ),
      ),
    },
    {
      title: "speed-up, decoding alone",
      rows: methods.map(([name, of]) =>
        row(
          name,
          of,
          (cell) => cell.decode,
          (cell) => `${cell.decode.tokensPerSecond.toFixed(1)} tokens/s`,
        ),
      ),
    },
    ...(oracle
      ? [
          {
            title: `replayed, decoding alone, curve ${oracle.curve}: ${oracle.assumption}`,
            rows: [...Object.entries(oracle.methods), ["oracle", oracle] as const].map(([name, of]) =>
              row(
                name,
                of,
                (cell) => cell,
                (cell) => `${cell.meanEmitted.toFixed(2)} a round`,
              ),
            ),
          },
        ]
      : []),
  ].filter(({ rows }) => rows.length > 0);
}

function summaryOf({ machine, model, numerics, prompts, skipped, load, differing }: BenchResult): string[] {
  const odd = Object.entries(differing).filter(([, count]) => count > 0);
  return [
    `${model.name}, ${model.threads} threads on ${model.device}, numerics ${numerics}`,
    `${machine.cpu}, ${machine.cores} cores, node ${machine.node}, ${machine.native}, load ${load}${load > 0.5 ? ": the machine is busy, doubt the times" : ""}`,
    `${prompts} prompts${skipped.length > 0 ? `, ${skipped.length} skips: ${[...new Set(skipped.map(({ reason }) => reason))].join(" ").slice(0, 200)}` : ""}`,
    odd.length === 0
      ? "same output as plain: yes"
      : `same output as plain: no (${odd.map(([name, n]) => `${name} ${n} texts`).join(", ")})`,
  ];
}

const interval = (cell: Interval | undefined) =>
  cell ? `${cell.speedup.toFixed(2)} (${cell.lo.toFixed(2)}-${cell.hi.toFixed(2)})` : "-";

/** Tables for a terminal: methods down, subtasks across, each with its 95 % interval. */
export function reportText(result: BenchResult): string {
  const columns = [...columnsOf(result), "overall"];
  const blocks = blocksOf(result).map(({ title, rows }) => {
    const table = [["", ...columns, ""], ...rows.map(({ name, cells, note }) => [name, ...cells.map(interval), note])];
    const widths = table[0].map((_, i) => Math.max(...table.map((line) => line[i].length)));
    const lines = table.map((line) =>
      line
        .map((text, i) => text.padEnd(widths[i]))
        .join("  ")
        .trimEnd(),
    );
    return `${title}\n${lines.join("\n")}\n`;
  });
  return `${summaryOf(result).join("\n")}\n\n${blocks.join("\n")}`;
}

/** The same as a page that needs no network, with the intervals drawn. */
export function reportPage(result: BenchResult): string {
  const columns = [...columnsOf(result), "overall"];
  const body = blocksOf(result).map(({ title, rows }) => {
    const head = `<tr><th></th>${columns.map((name) => `<th>${escapeHtml(name)}</th>`).join("")}<th></th></tr>`;
    const lines = rows.map(
      ({ name, cells, note }) =>
        `<tr><td>${escapeHtml(name)}</td>${cells.map((cell) => `<td>${interval(cell)}</td>`).join("")}<td class="soft">${escapeHtml(note)}</td></tr>`,
    );
    return `<h2>${escapeHtml(title)}</h2>\n${intervalChart(rows, columns)}\n<div class="scroll"><table><thead>${head}</thead><tbody>${lines.join("")}</tbody></table></div>`;
  });
  const summary = summaryOf(result).map((line) => `<p class="note">${escapeHtml(line)}</p>`);
  const style =
    "svg .axis { stroke: var(--line); } svg .one { stroke: var(--soft); stroke-dasharray: 3 3; } svg .bar { stroke: #4a7ab5; stroke-width: 2; } svg .dot { fill: #4a7ab5; } p.note { margin: .2rem 0; }\n";
  return htmlPage("draftwright bench", `<h1>Benchmark</h1>\n${summary.join("\n")}\n${body.join("\n")}`, style);
}

/** A line for each method and subtask: the interval, a dot at the speed-up, and a mark at 1. */
function intervalChart(rows: readonly Row[], columns: readonly string[]): string {
  const all = rows.flatMap(({ cells }) => cells.flatMap((cell) => (cell ? [cell.lo, cell.hi] : [])));
  if (all.length === 0) return "";
  const low = Math.min(0.8, ...all);
  const high = Math.max(1.2, ...all);
  const x = (value: number) => (230 + ((value - low) / (high - low)) * 560).toFixed(1);
  const lines = rows.flatMap(({ name, cells }) =>
    cells.flatMap((cell, i) => (cell ? [{ label: `${name}, ${columns[i]}`, cell }] : [])),
  );
  const height = lines.length * 20 + 30;
  const marks = lines.map(({ label, cell }, i) => {
    const y = 14 + i * 20;
    return `<text x="0" y="${y + 4}">${escapeHtml(label)}</text><line class="bar" x1="${x(cell.lo)}" x2="${x(cell.hi)}" y1="${y}" y2="${y}"/><circle class="dot" cx="${x(cell.speedup)}" cy="${y}" r="4"><title>${interval(cell)}</title></circle>`;
  });
  const ticks = [low, 1, high].map(
    (value) => `<text x="${x(value)}" y="${height - 4}" text-anchor="middle">${value.toFixed(2)}</text>`,
  );
  return `<div class="scroll"><svg role="img" aria-label="speed-ups with intervals" width="820" height="${height}"><line class="one" x1="${x(1)}" x2="${x(1)}" y1="0" y2="${height - 18}"/>${marks.join("")}${ticks.join("")}</svg></div>`;
}
