// A model that asks for the weather and then tells it, for the clients' tool loops.
import type { Model } from "../../engine/index.ts";
import { openScripted } from "./scripted-model.ts";

export const weatherParameters = {
  type: "object" as const,
  properties: { city: { type: "string" as const } },
  required: ["city"],
  additionalProperties: false,
};

export const finalAnswer = "It rains in Bern.";

export function openWeatherModel(): Promise<Model> {
  return openScripted((prompt) => {
    if (!prompt.includes("<tools>")) return "Hello.";
    if (prompt.includes("<tool_response>")) return finalAnswer;
    return 'I look.\n<tool_call>\n{"name": "weather", "arguments": {"city": "Bern"}}\n</tool_call>';
  });
}
