import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

export interface FoundFile {
  /** Relative, with "/" between folders. */
  readonly path: string;
  readonly bytes: number;
}

/**
 * Files in a folder, sorted; symlinks count as what they point to, dead ones not at all. Goes `depth` folders down, and
 * never into a linked folder. A folder that cannot be read is empty.
 */
export async function filesBelow(dir: string, depth = 4, prefix = ""): Promise<FoundFile[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  const found: FoundFile[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = prefix + entry.name;
    if (entry.isDirectory()) {
      if (depth > 0) found.push(...(await filesBelow(join(dir, entry.name), depth - 1, `${path}/`)));
      continue;
    }
    const info = await stat(join(dir, entry.name)).catch(() => undefined);
    if (info?.isFile()) found.push({ path, bytes: info.size });
  }
  return found;
}
