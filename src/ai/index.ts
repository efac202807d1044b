// The AI SDK's provider interface (LanguageModelV4) over a model in this process: no HTTP, no serialising. Generating is the
// engine's; tools in prompts and answers are the server's (server/tools).
export { createDraftwright, type DraftwrightProvider } from "./provider.ts";
