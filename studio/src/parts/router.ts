import { createStore } from "./store.ts";

export const views = {
  playground: "Playground",
  rounds: "Draft trees",
  costs: "Costs",
  models: "Models",
  bench: "Benchmark",
  sushi: "Sushi Go",
} as const;

export type View = keyof typeof views;

export const route = createStore({ view: viewOf(location.hash) });

addEventListener("hashchange", () => route.set({ view: viewOf(location.hash) }));

function viewOf(hash: string): View {
  const name = hash.replace(/^#\/?/, "");
  return Object.hasOwn(views, name) ? (name as View) : "playground";
}
