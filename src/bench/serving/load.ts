import { type Answer, ask, type CompletionRequest } from "./ask.ts";
import { quantiles, round, sum } from "./figures.ts";

export interface LoadReport {
  readonly seconds: number;
  readonly requests: number;
  readonly errors: number;
  /** Streams that were not, byte by byte, what they are alone. */
  readonly different: number;
  readonly tokensPerSecond: number;
  readonly firstTokenMs: ReturnType<typeof quantiles>;
}

let asked = 0;

/** The request with a number before its prompt that no other had: nobody's cache knows it. */
const unseen = (request: CompletionRequest): CompletionRequest => ({
  ...request,
  prompt: `${++asked}. ${request.prompt}`,
});

/**
 * Every stream asks its own request again and again until the time is up; streams that still run then are finished.
 * `alone`: what each must answer; without it prompts are new each time. Tokens count by the share of a stream that lies
 * within the time.
 */
export async function load(
  url: string,
  requests: readonly CompletionRequest[],
  seconds: number,
  alone?: readonly Pick<Answer, "text" | "tokens">[],
): Promise<LoadReport> {
  const answers: Answer[] = [];
  let [errors, different, tokens] = [0, 0, 0];
  const started = performance.now();
  const until = started + seconds * 1000;
  await Promise.all(
    requests.map(async (request, i) => {
      while (performance.now() < until) {
        const begun = performance.now();
        try {
          const answer = await ask(url, alone ? request : unseen(request));
          answers.push(answer);
          tokens += answer.tokens * Math.min(1, (until - begun) / answer.ms);
          if (alone && (answer.text !== alone[i].text || answer.tokens !== alone[i].tokens)) different++;
        } catch (error) {
          errors++;
          process.stderr.write(`stream ${i}: ${(error as Error).message}\n`);
        }
      }
    }),
  );
  return {
    seconds: round((performance.now() - started) / 1000),
    requests: answers.length,
    errors,
    different,
    tokensPerSecond: round(tokens / seconds),
    firstTokenMs: quantiles(answers.map(({ firstMs }) => firstMs)),
  };
}

/** Tokens per second of answers that came one after another. */
export function rate(answers: readonly Answer[]): number {
  return (1000 * sum(answers.map(({ tokens }) => tokens))) / sum(answers.map(({ ms }) => ms));
}
