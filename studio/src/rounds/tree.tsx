import { layoutTree } from "../../../src/bench/harness/trace/tree-layout.ts";
import type { Round } from "../api/generate.ts";
import { percent } from "../parts/format.ts";
import { sourceClass } from "../parts/sources.ts";

const column = 107;
const row = 40;
const box = { width: 91, height: 28 };

/** The draft tree of a round, the last token before it on the left; what was emitted is the line on top. */
export function Tree({ round, before }: { readonly round: Round; readonly before: string }) {
  const { tree, path, emitted } = round;
  const own = emitted[path.length];
  const layout = layoutTree(tree.parent, path, own !== undefined);
  const nodes = tree.parent.map((parent, node) => ({ node, parent, state: stateOf(round, node) }));
  const at = (node: number) => {
    const place = layout.at(node);
    return { x: 2 + place.column * column, y: 6 + place.row * row };
  };
  const edge = (from: number, to: number, kind: string) => {
    const [a, b] = [at(from), at(to)];
    const [x, y, end] = [a.x + box.width, a.y + box.height / 2, b.y + box.height / 2];
    return (
      <path key={`e${to}`} class={`edge ${kind}`} d={`M${x} ${y}C${x + 14} ${y} ${b.x - 12} ${end} ${b.x} ${end}`} />
    );
  };
  const width = layout.columns * column - column + box.width + 4;
  const height = layout.rows * row + 4;
  const label = `Draft tree: ${path.length} of ${nodes.length} drafted tokens accepted, ${emitted.length} emitted`;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="tree-scroll" tabIndex={0} aria-label={label}>
      <svg class="tree" role="img" aria-label={label} {...{ width, height }} viewBox={`0 0 ${width} ${height}`}>
        {nodes.map(({ node, parent, state }) => edge(parent, node, state))}
        {own && edge(path.at(-1) ?? -1, nodes.length, "accepted")}
        <Box {...at(-1)} kind="root" text={before} title="The last token before this round" />
        {nodes.map(({ node, state }) => (
          <Box
            key={node}
            {...at(node)}
            kind={`${state} ${sourceClass(tree.source[node] ?? "")}`}
            text={tree.text[node]}
            title={`${tree.source[node]}: ${state}, chance ${percent(tree.chance[node])}`}
          />
        ))}
        {own && <Box {...at(nodes.length)} kind="own" text={own.text} title="The model's own token" />}
      </svg>
    </section>
  );
}

function Box(props: { x: number; y: number; kind: string; text: string; title: string }) {
  const { x, y, kind, text, title } = props;
  const shown = visible(text);
  return (
    <g class={`node ${kind}`}>
      <title>{title}</title>
      <rect {...{ x, y }} width={box.width} height={box.height} rx="7" />
      <text x={x + box.width / 2} y={y + 19} text-anchor="middle">
        {shown.length > 11 ? `${shown.slice(0, 10)}\u2026` : shown}
      </text>
    </g>
  );
}

/** The same as a table, for ears and for copying. */
export function TreeTable({ round }: { readonly round: Round }) {
  const { tree } = round;
  const depths = depthsOf(tree.parent);
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Token</th>
          <th scope="col">After</th>
          <th scope="col">Depth</th>
          <th scope="col">Source</th>
          <th scope="col">Chance</th>
          <th scope="col">Outcome</th>
        </tr>
      </thead>
      <tbody>
        {tree.parent.map((parent, node) => (
          <tr key={node}>
            <th scope="row">
              <code>{visible(tree.text[node])}</code>
            </th>
            <td>{parent < 0 ? "start" : <code>{visible(tree.text[parent])}</code>}</td>
            <td>{depths[node]}</td>
            <td>{tree.source[node]}</td>
            <td>{percent(tree.chance[node])}</td>
            <td>{stateOf(round, node)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function stateOf({ path, tree }: Round, node: number): "accepted" | "observed" | "rejected" {
  if (path.includes(node)) return "accepted";
  return tree.observed.includes(node) ? "observed" : "rejected";
}

/** Depth of each node; children of the root have 1. */
export function depthsOf(parent: readonly number[]): number[] {
  const depths: number[] = [];
  for (const above of parent) depths.push(above < 0 ? 1 : depths[above] + 1);
  return depths;
}

export function visible(text: string): string {
  return text === "" ? "(end)" : text.replace(/\n/g, "\u21b5").replace(/^ | $/g, "\u00b7");
}
