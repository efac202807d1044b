// A model that thinks before it answers, for tests of servers and clients.
import type { Model } from "../../engine/index.ts";
import { openScripted } from "./scripted-model.ts";

export const thoughts = 'Is it "yes"? {"answer": no} <tool_call>';
export const said = "Yes, of course.";

/** Wants to talk after its thoughts, whatever form was asked for; `quiet` may know another answer to a prompt. */
export function openThinking(template: string, quiet: (prompt: string) => string | undefined): Promise<Model> {
  return openScripted((prompt) => quiet(prompt) ?? `<think>\n${thoughts}\n</think>\n\n${said}`, template);
}

const head = "{% for m in messages %}{{ m.role }}: {{ m.content.split('</think>')[-1] }}\n\n{% endfor %}Assistant:";
/** `possible`, as Qwen3's: the model may think unless told otherwise. `begun`, as DeepSeek R1's: the prompt opens thoughts. */
export const thinkingTemplates = {
  possible: `${head}{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}`,
  begun: `${head}<think>{{ "\\n" }}`,
};
