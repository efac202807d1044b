export interface CompletionRequest {
  readonly prompt: string | readonly number[];
  readonly max_tokens: number;
  readonly temperature: number;
  readonly seed: number;
  readonly draft?: string;
}

export interface Answer {
  readonly text: string;
  readonly tokens: number;
  readonly firstMs: number;
  readonly ms: number;
}

/** Streams one completion to its end. Throws on a status that is not 200 and on a stream that breaks off. */
export async function ask(url: string, request: CompletionRequest, signal?: AbortSignal): Promise<Answer> {
  const started = performance.now();
  const response = await fetch(`${url}/v1/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...request, stream: true, stream_options: { include_usage: true } }),
    signal,
  });
  if (!response.ok || response.body === null) throw new Error(`${response.status} ${await response.text()}`);
  let firstMs = 0;
  let stream = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    firstMs ||= performance.now() - started;
    stream += decoder.decode(chunk, { stream: true });
  }
  const ms = performance.now() - started;
  if (!stream.endsWith("data: [DONE]\n\n")) throw new Error(`The stream ends early: ${stream.slice(-200)}`);
  const events = stream.split("\n\n").filter((event) => event.startsWith("data: {"));
  const chunks = events.map((event) => JSON.parse(event.slice("data: ".length)));
  const text = chunks.map(({ choices }) => choices?.[0]?.text ?? "").join("");
  const { usage } = chunks.findLast((chunk) => chunk.usage) ?? {};
  return { text, tokens: usage.completion_tokens, firstMs, ms };
}
