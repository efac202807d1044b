// The harness behind `draftwright bench` and `draftwright trace`: runs methods in turn with plain decoding, surveys what
// could have been drafted, replays it under other cost curves, and shows the result. It neither reads files nor prints: that
// is the command's. Benchmarks of our own development lie one folder up and are not shipped.

export { type Interval, pairedSpeedup } from "./bootstrap.ts";
export { type CurveChoice, replayCosts } from "./costs.ts";
export { machine } from "./machine.ts";
export { type PromptEntry, parsePrompts } from "./prompts-file.ts";
export { replayAll, type SurveyedPrompt } from "./replays.ts";
export { reportPage, reportText } from "./report.ts";
export { type BenchResult, type BySubtask, bySubtask, mean, summarise } from "./result.ts";
export { runBench } from "./run.ts";
export { parseTrace, type Trace, toSurvey } from "./trace/format.ts";
export { tracePage } from "./trace/page.ts";
export { TraceWriter } from "./trace/writer.ts";
