import { createStore, remember, remembered } from "./store.ts";

export type Theme = "auto" | "light" | "dark";

export const theme = createStore(remembered<{ choice: Theme }>("theme", { choice: "auto" }));

export function applyTheme(choice: Theme): void {
  document.documentElement.dataset.theme = choice;
  theme.set({ choice });
  remember("theme", { choice });
}
