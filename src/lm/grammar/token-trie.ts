/** The tokens of a vocabulary as a tree of bytes, depth first, in arrays: one entry a node, node 0 the root. */
export interface TokenTrie {
  /** Byte on the way to the node. */
  readonly byte: Uint8Array;
  /** 1 below the root. */
  readonly depth: Uint16Array;
  /** First node after the node and all below it. */
  readonly after: Int32Array;
  /** The node's own tokens: `ids` from `tokens[node]` to `tokens[node + 1]`. */
  readonly tokens: Int32Array;
  readonly ids: Int32Array;
  readonly deepest: number;
}

/** `pieces`: the bytes of each token; tokens without bytes are not in the trie. */
export function buildTrie(pieces: readonly Uint8Array[]): TokenTrie {
  const ids = Int32Array.from(pieces.keys())
    .filter((token) => pieces[token].length > 0)
    .sort((a, b) => Buffer.compare(pieces[a], pieces[b]) || a - b);
  let size = 1;
  for (const token of ids) size += pieces[token].length;
  const byte = new Uint8Array(size);
  const depth = new Uint16Array(size);
  const after = new Int32Array(size);
  const tokens = new Int32Array(size + 1);
  let nodes = 1;
  let deepest = 0;
  /** The nodes from the root to the last token's. */
  const path = [0];
  let before: Uint8Array = new Uint8Array(0);
  ids.forEach((token, i) => {
    const piece = pieces[token];
    let common = 0;
    while (common < before.length && before[common] === piece[common]) common++;
    while (path.length > common + 1) after[path.pop() as number] = nodes;
    for (let at = common; at < piece.length; at++) {
      byte[nodes] = piece[at];
      depth[nodes] = at + 1;
      tokens[nodes] = i;
      path.push(nodes++);
    }
    tokens[nodes] = i + 1;
    deepest = Math.max(deepest, piece.length);
    before = piece;
  });
  while (path.length > 0) after[path.pop() as number] = nodes;
  return {
    byte: byte.slice(0, nodes),
    depth: depth.slice(0, nodes),
    after: after.slice(0, nodes),
    tokens: tokens.slice(0, nodes + 1),
    ids,
    deepest,
  };
}
