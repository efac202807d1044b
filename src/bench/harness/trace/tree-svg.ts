import type { EmittedToken, RoundRecord } from "../../../drafting/index.ts";
import { escapeHtml } from "../html.ts";
import { layoutTree } from "./tree-layout.ts";

const column = 108;
const row = 30;
const box = { width: 92, height: 22 };

/** The verified tree of a round, root on the left; leaves take one row each. The target's own token hangs on the path. */
export function treeSvg(
  { tree, path }: RoundRecord,
  emitted: readonly EmittedToken[],
  classOf: (source: string) => string,
  textOf: (token: number) => string,
): string {
  const accepted = new Set(path);
  const own = emitted[path.length];
  const layout = layoutTree(tree.parent, path, own !== undefined);
  const at = (node: number) => {
    const place = layout.at(node);
    return { x: place.column * column, y: place.row * row };
  };
  const parts: string[] = [];
  const draw = (x: number, y: number, kind: string, text: string, title: string) => {
    const shown = text.replace(/\n/g, "\u21b5").replace(/^ /, "\u00b7");
    const short = shown.length > 12 ? `${shown.slice(0, 11)}\u2026` : shown;
    parts.push(
      `<g class="node ${kind}"><title>${escapeHtml(title)}</title><rect class="${kind}" x="${x + 1}" y="${y + 4}" width="${box.width}" height="${box.height}" rx="4"/><text x="${x + 8}" y="${y + 19}">${escapeHtml(short)}</text></g>`,
    );
  };
  const edge = (from: { x: number; y: number }, to: { x: number; y: number }, kind: string) => {
    const x = from.x + box.width + 1;
    parts.push(
      `<path class="edge ${kind}" d="M${x} ${from.y + 15}C${x + 10} ${from.y + 15} ${to.x - 8} ${to.y + 15} ${to.x + 1} ${to.y + 15}"/>`,
    );
  };
  draw(0, 0, "root", "root", "the last token that was emitted");
  const observed = new Set(tree.observed);
  for (let node = 0; node < tree.token.length; node++) {
    const state = accepted.has(node) ? "accepted" : observed.has(node) ? "observed" : "rejected";
    const source = tree.source?.[node] ?? "";
    const { x, y } = at(node);
    edge(at(tree.parent[node]), { x, y }, state);
    const title = `${source}, ${state}, chance ${tree.confidence[node].toFixed(2)}, token ${tree.token[node]}`;
    draw(x, y, `${state} ${classOf(source)}`, textOf(tree.token[node]), title);
  }
  if (own) {
    const to = at(tree.token.length);
    edge(at(path.at(-1) ?? -1), to, "accepted");
    draw(to.x, to.y, "own", textOf(own.token), "the target's own token");
  }
  return `<div class="scroll"><svg role="img" aria-label="draft tree, ${path.length} of ${tree.token.length} nodes accepted" width="${layout.columns * column}" height="${layout.rows * row + 4}">${parts.join("")}</svg></div>`;
}
