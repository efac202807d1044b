import type { GeneratedToken } from "../engine/index.ts";
import { paint, printable, styleOf } from "./terminal.ts";

/** Shows what a model thinks before it answers, dimly and apart from the answer: on stderr. Give it every token. */
export function thoughtWriter(): (token: GeneratedToken) => void {
  const style = styleOf(process.stderr);
  let thinks = false;
  return ({ text, thinking }) => {
    if (thinking) process.stderr.write(paint(printable(thinking), "dim", style));
    thinks ||= thinking !== undefined && thinking !== "";
    if (!thinks || text === "") return;
    thinks = false;
    process.stderr.write("\n\n");
  };
}
