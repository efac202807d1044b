import type { Settings } from "./session.ts";

export interface Example {
  readonly title: string;
  readonly about: string;
  readonly text: string;
  readonly settings: Partial<Settings>;
}

const clause =
  "The Licensee shall pay to the Licensor a royalty of five percent (5%) of Net Sales, within forty-five (45) days after the end of each calendar quarter. The Licensor may inspect the books and records of the Licensee once in each calendar year.";

/** Prompts that the embedded model knows how to go on with. */
export const examples: readonly Example[] = [
  {
    title: "Continue a contract",
    about: "Boilerplate: databases and small models draft most of it.",
    text: "5. Confidentiality. The Receiving Party shall",
    settings: { mode: "completion", prediction: "", draft: "auto" },
  },
  {
    title: "Revise a clause",
    about: "The old version is the prediction: most tokens come from it.",
    text: `Original clause:\n${clause}\n\nRevised clause (replace five percent by six percent):\n`,
    settings: { mode: "completion", prediction: clause, draft: "auto" },
  },
  {
    title: "Ask for a clause",
    about: "A conversation, in the model's chat template.",
    text: "Write a clause on termination for convenience.",
    settings: { mode: "chat", prediction: "", draft: "auto" },
  },
];
