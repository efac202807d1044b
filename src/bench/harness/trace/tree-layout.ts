/** A place in a drawing of a tree, in columns and rows. */
export interface TreePlace {
  readonly column: number;
  readonly row: number;
}

export interface TreeLayout {
  /** Of a node; -1 is the root, and `parent.length` the target's own token. */
  readonly at: (node: number) => TreePlace;
  readonly columns: number;
  readonly rows: number;
}

/**
 * Places the draft tree of a round: root on the left, leaves one row each, the accepted path and the target's own token after
 * it on top, so that what was emitted reads as a line. `parent[i]` is the parent of node i, -1 the root.
 */
export function layoutTree(parent: readonly number[], path: readonly number[], hasOwnToken: boolean): TreeLayout {
  const all = hasOwnToken ? [...parent, path.at(-1) ?? -1] : parent;
  const emitted = new Set(hasOwnToken ? [...path, parent.length] : path);
  const children = new Map<number, number[]>();
  all.forEach((above, node) => {
    const siblings = children.get(above) ?? [];
    if (emitted.has(node)) siblings.unshift(node);
    else siblings.push(node);
    children.set(above, siblings);
  });
  const places = new Map<number, TreePlace>();
  let rows = 0;
  let columns = 0;
  const place = (node: number, column: number): void => {
    places.set(node, { column, row: rows });
    columns = Math.max(columns, column + 1);
    const below = children.get(node) ?? [];
    for (const child of below) place(child, column + 1);
    if (below.length === 0) rows++;
  };
  place(-1, 0);
  return { at: (node) => places.get(node) as TreePlace, columns, rows };
}
