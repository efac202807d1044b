// A head's file as a drafter that owns all it needs.
import { Backend } from "../../ggml/index.ts";
import type { LoadedModel } from "../../lm/load.ts";
import { Parameters } from "../../nn/index.ts";
import type { Drafter } from "../drafter.ts";
import { draftTokensOf, loadHead } from "./artefact.ts";
import { type HeadDrafterOptions, headDrafter } from "./drafter.ts";
import { feedsItself } from "./head.ts";
import { readTargetParts } from "./target-parts.ts";

export type OpenedHead = Drafter & Disposable;

/**
 * Opens a head for a loaded target. The caller disposes of it, after its sessions are closed. Throws `bad-model` when it was
 * trained for another target.
 */
export function openHeadDrafter(
  path: string,
  { path: targetPath, hash, threads }: Pick<LoadedModel, "path" | "hash" | "threads">,
  settings: Pick<HeadDrafterOptions, "branches" | "depth" | "beam" | "tree"> = {},
): OpenedHead {
  const owned: Disposable[] = [];
  const own = <T extends Disposable>(resource: T): T => {
    owned.unshift(resource);
    return resource;
  };
  const dispose = () => {
    for (const resource of owned.splice(0)) resource[Symbol.dispose]();
  };
  try {
    const backend = own(new Backend(undefined, { threads }));
    const target = own(readTargetParts(targetPath, backend, draftTokensOf(path, hash)));
    const head = loadHead(path, own(new Parameters(backend)), target);
    const tree = feedsItself(head.settings) ? "dynamic" : settings.tree;
    const drafter = own(headDrafter({ ...settings, tree, backend, head, target }));
    return { ...drafter, [Symbol.dispose]: dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}
