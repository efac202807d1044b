// Tools in prompts and answers, for every protocol: which a request may call, how the model is told, how its calls are read.
export { callConstraint, chosenTools } from "./choice.ts";
export { type OutputPart, type OutputReader, partsOf, wholeAnswer } from "./output-reader.ts";
export { toolFormat, toolPrompt } from "./prompt.ts";
export { toolReader } from "./readers.ts";
export { effortVariables } from "./thinking.ts";
export { type Tool, type ToolChoice, toolChoiceSchema, toolSchema } from "./tool.ts";
