import { createStore } from "../parts/store.ts";
import { access, askJson, inWords } from "./client.ts";

export interface ModelFacts {
  readonly name: string;
  readonly architecture: string;
  readonly contextLength: number;
  readonly vocabSize: number;
  readonly layerCount: number;
  readonly hiddenSize: number;
  readonly numerics: "exact" | "fast";
  readonly threads: number;
  readonly device: string;
  readonly drafters: readonly string[];
  readonly loadMs: number;
  readonly file: string;
  readonly draftModels: readonly string[];
  readonly hasChatTemplate: boolean;
}

export interface Served {
  readonly id: string;
  readonly isDefault: boolean;
  readonly state: "loaded" | "loading" | "unloaded";
  readonly users: number;
  readonly info?: ModelFacts;
}

export interface Local {
  readonly name: string;
  readonly bytes: number;
  readonly source: "embedded" | "folder" | "cache";
  readonly revision?: string;
  /** Why it cannot be served. */
  readonly refusal?: string;
}

export interface Pair {
  readonly name: string;
  readonly bytes: number;
  readonly fit: "same-vocabulary" | "re-encode" | "no";
  readonly reasons: readonly string[];
  readonly sizeRatio: number;
}

interface Manager {
  readonly served: readonly Served[];
  readonly local: readonly Local[];
  readonly canPull: boolean;
  /** Whether the server has answered; `problem` says why not. */
  readonly known: boolean;
  readonly problem: string | undefined;
}

export const manager = createStore<Manager>({
  served: [],
  local: [],
  canPull: false,
  known: false,
  problem: undefined,
});

export async function refreshModels(): Promise<void> {
  try {
    const answer = await askJson<Pick<Manager, "served" | "local" | "canPull">>("/studio/api/models");
    manager.set({ ...answer, known: true, problem: undefined });
    access.set({ needed: false });
  } catch (error) {
    manager.set({ problem: inWords(error) });
  }
}
