// An independent reading of a stream: eventsource-parser, not our own code.
import { createParser } from "eventsource-parser";

export interface SseEvent {
  readonly event: string | undefined;
  readonly data: string;
}

/** All events of a stream, and that it is one: the content type, and nothing the parser complains of. */
export async function sseEvents(response: Response): Promise<SseEvent[]> {
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
    throw new Error(`${response.status} ${await response.text()}`);
  }
  const events: SseEvent[] = [];
  const parser = createParser({
    onEvent: ({ event, data }) => events.push({ event, data }),
    onError: (error) => {
      throw error;
    },
  });
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    parser.feed(decoder.decode(chunk, { stream: true }));
  }
  return events;
}

/** The JSON of OpenAI's events; the last must be `[DONE]`. */
// biome-ignore lint/suspicious/noExplicitAny: what came over the wire, looked at by assertions
export async function openAiChunks(response: Response): Promise<any[]> {
  const events = await sseEvents(response);
  const last = events.pop();
  if (last?.data !== "[DONE]") throw new Error(`The stream ends with ${last?.data}.`);
  return events.map(({ data }) => JSON.parse(data));
}
