import { escapeHtml, htmlPage } from "../html.ts";
import type { Trace, TracedGeneration, TraceRound } from "./format.ts";
import { treeSvg } from "./tree-svg.ts";

const hues = [145, 205, 285, 35, 0, 175, 325, 60];

/** A trace as one HTML page: texts by source, cost of each round, draft trees with what was accepted and what was not. */
export function tracePage({ header, generations, texts }: Trace): string {
  const sources = [...new Set(generations.flatMap(({ rounds }) => rounds.flatMap(sourcesOf)))].filter(
    (s) => s !== "target",
  );
  const classOf = (source: string) => (source === "target" ? "target" : `s${sources.indexOf(source)}`);
  const textOf = (token: number) => texts[token] ?? String(token);
  const { model, machine, numerics } = header;
  const legend = sources.map((source) => `<span class="key ${classOf(source)}">${escapeHtml(source)}</span>`).join(" ");
  const body = [
    `<h1>Trace: ${escapeHtml(model.name)}</h1>`,
    `<p class="note">${escapeHtml(machine.cpu)}, ${machine.cores} cores; ${model.threads} threads on ${escapeHtml(model.device)}; numerics ${numerics}; load ${machine.load}</p>`,
    `<p>Sources: ${legend} <span class="key target">target</span> &middot; solid: accepted &middot; dashed: rejected &middot; dotted: only observed</p>`,
    '<p class="note">Keys: <kbd>j</kbd> and <kbd>k</kbd> or the arrow keys move between rounds, <kbd>Enter</kbd> opens and closes one.</p>',
    ...generations.map((generation) => section(generation, classOf, textOf)),
  ];
  const paints = sources.map((_, i) => `.s${i} { --hue: ${hues[i % hues.length]}; }`).join("\n");
  return htmlPage(`Trace of ${model.name}`, body.join("\n"), `${style}${paints}\n`, script);
}

function section(
  { about, rounds, end }: TracedGeneration,
  classOf: (source: string) => string,
  textOf: (token: number) => string,
): string {
  const numbered = about.prompt === undefined ? "" : `, prompt ${about.prompt}, turn ${(about.turn ?? 0) + 1}`;
  const kind = about.survey ? " (survey: everything drafted, one token a round)" : "";
  const tokens = rounds.reduce((sum, { emitted }) => sum + emitted.length, 0);
  const time = end
    ? `, ${end.decodeMs.toFixed(0)} ms (${((1000 * tokens) / end.decodeMs).toFixed(1)} tokens/s)`
    : ", interrupted";
  const text = rounds
    .flatMap(({ emitted }) =>
      emitted.map(
        ({ token, source }) =>
          `<span class="token ${classOf(source)}" title="${escapeHtml(source)}">${escapeHtml(textOf(token))}</span>`,
      ),
    )
    .join(/\D/.test(rounds[0] ? textOf(rounds[0].emitted[0].token) : "") ? "" : " ");
  return `<section>
<h2>${escapeHtml(about.draft)}${numbered}${kind}</h2>
<p>${tokens} tokens in ${rounds.length} rounds${time}</p>
${about.promptText === undefined ? "" : `<details><summary>Prompt</summary><pre>${escapeHtml(about.promptText)}</pre></details>`}
<pre class="text">${text}</pre>
${costChart(rounds, about.id)}
${rounds.map((round, i) => roundBlock(round, i, about.id, classOf, textOf)).join("\n")}
</section>`;
}

/** Drafting and verifying, stacked, a bar a round; a tick where the decision expected the end. */
function costChart(rounds: readonly TraceRound[], id: number): string {
  const height = 110;
  const most = Math.max(...rounds.map(({ trace }) => Math.max(trace.draftMs + trace.verifyMs, trace.expectedMs)), 1e-9);
  const y = (ms: number) => (ms / most) * (height - 20);
  const width = Math.max(3, Math.min(16, 1000 / Math.max(1, rounds.length)));
  const bars = rounds.map(({ trace, emitted }, i) => {
    const x = (40 + i * width).toFixed(1);
    const bar = (width - 1).toFixed(1);
    const verify = y(trace.verifyMs);
    const draft = y(trace.draftMs);
    const expected = height - y(trace.expectedMs);
    return `<a href="#g${id}r${i}" tabindex="-1"><title>round ${i + 1}: ${(trace.draftMs + trace.verifyMs).toFixed(2)} ms, ${emitted.length} tokens</title><rect class="verify" x="${x}" y="${(height - verify).toFixed(1)}" width="${bar}" height="${verify.toFixed(1)}"/><rect class="draft" x="${x}" y="${(height - verify - draft).toFixed(1)}" width="${bar}" height="${draft.toFixed(1)}"/>${trace.expectedMs > 0 ? `<rect class="expected" x="${x}" y="${expected.toFixed(1)}" width="${bar}" height="1.5"/>` : ""}</a>`;
  });
  const total = 50 + rounds.length * width;
  return `<div class="scroll"><svg role="img" aria-label="milliseconds of each round" width="${total.toFixed(0)}" height="${height + 4}"><text x="0" y="14">${most.toPrecision(3)}</text><text x="0" y="28">ms</text><text x="0" y="${height}">0</text>${bars.join("")}</svg></div>
<p class="note">Cost per round: <span class="swatch verify"></span> verifying <span class="swatch draft"></span> drafting <span class="swatch expected"></span> expected</p>`;
}

function roundBlock(
  { emitted, trace, record }: TraceRound,
  i: number,
  id: number,
  classOf: (source: string) => string,
  textOf: (token: number) => string,
): string {
  const ms = (value: number) => value.toFixed(2);
  const summary = `<b>${i + 1}</b> <span class="decision">${trace.decision}</span> width ${trace.width}, ${emitted.length} emitted of ${trace.expectedTokens.toFixed(1)} expected, ${ms(trace.draftMs + trace.verifyMs)} ms (${ms(trace.expectedMs)} expected)`;
  const offers = (record?.offers ?? []).map(
    ({ drafter, chance, draftMs, drafted }) =>
      `<tr><td class="${classOf(drafter)}"><span class="key ${classOf(drafter)}">${escapeHtml(drafter)}</span></td><td>${chance.length}</td><td>${(chance[0] ?? 0).toFixed(2)}</td><td>${ms(draftMs.at(-1) ?? 0)}</td><td>${drafted?.token.length ?? 0}</td></tr>`,
  );
  const table = offers.length
    ? `<table><thead><tr><th>offer</th><th>nodes</th><th>chance of the first</th><th>price, ms</th><th>drafted</th></tr></thead><tbody>${offers.join("")}</tbody></table>`
    : "";
  return `<details class="round" id="g${id}r${i}"${trace.accepted > 0 && i < 12 ? " open" : ""}><summary>${summary}</summary>
${record && record.tree.token.length > 0 ? treeSvg(record, emitted, classOf, textOf) : ""}${table}</details>`;
}

function sourcesOf({ emitted, record }: TraceRound): string[] {
  return [
    ...emitted.map(({ source }) => source),
    ...(record?.tree.source ?? []),
    ...(record?.offers ?? []).map(({ drafter }) => drafter),
  ];
}

const style = `
.key, .token, .node rect { --c: hsl(var(--hue, 0) 65% 42%); --bg: hsl(var(--hue, 0) 70% 88%); }
@media (prefers-color-scheme: dark) { .key, .token, .node rect { --c: hsl(var(--hue, 0) 60% 62%); --bg: hsl(var(--hue, 0) 45% 22%); } }
.key { border: 1.5px solid var(--c); background: var(--bg); border-radius: 4px; padding: 0 .4rem; }
.token { background: var(--bg); box-shadow: inset 0 -2px var(--c); }
.key.target, .token.target { background: none; box-shadow: none; border-color: var(--line); }
pre { white-space: pre-wrap; background: var(--panel); padding: .8rem; border-radius: 6px; }
details.round { border-top: 1px solid var(--line); padding: .2rem 0; }
summary { cursor: pointer; } summary:focus-visible { outline: 2px solid Highlight; }
.decision { color: var(--soft); }
.verify { fill: #7a93b8; background: #7a93b8; } .draft { fill: #d08a3c; background: #d08a3c; } .expected { fill: var(--ink); background: var(--ink); }
.swatch { display: inline-block; width: .8rem; height: .8rem; }
.node rect { fill: var(--bg); stroke: var(--c); stroke-width: 1.5; } .node.rejected rect { fill: none; stroke-dasharray: 4 3; }
.node.rejected text { fill: var(--soft); } .node.observed rect { fill: none; stroke-dasharray: 1 3; }
.edge { stroke: var(--line); fill: none; } .edge.accepted { stroke: var(--ink); stroke-width: 1.5; }
.node.root rect, .node.own rect { fill: var(--panel); stroke: var(--soft); }
`;

const script = `
const rounds = [...document.querySelectorAll("details.round > summary")];
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
  const at = rounds.indexOf(document.activeElement);
  if (!step || (event.key.startsWith("Arrow") && at < 0)) return;
  event.preventDefault();
  rounds[Math.max(0, Math.min(rounds.length - 1, at + step))]?.focus();
});
for (const link of document.querySelectorAll("svg a")) link.addEventListener("click", () => {
  const round = document.getElementById(link.getAttribute("href").slice(1));
  round.open = true;
  round.firstElementChild.focus();
});
`;
