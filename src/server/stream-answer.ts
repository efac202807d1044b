import { toApiError } from "./http/api-error.ts";
import { sseEvent, sseResponse } from "./http/sse.ts";
import type { Run } from "./run.ts";
import type { Service } from "./service.ts";

/**
 * Streams the events of a run. What goes wrong before the first one is thrown, and gets a status; later it becomes an
 * event, written by `toEvent`. The run ends with the stream.
 */
export async function streamAnswer(
  service: Service,
  run: Run,
  events: AsyncGenerator<string>,
  toEvent: (error: unknown) => string = (error) => sseEvent(toApiError(error).toOpenAi()),
): Promise<Response> {
  let first: IteratorResult<string>;
  try {
    first = await events.next();
  } catch (error) {
    throw run.explain(error);
  }
  const all = async function* () {
    if (first.done) return;
    yield first.value;
    yield* events;
  };
  return sseResponse(all(), {
    stallMs: service.settings.limits.stallSeconds * 1000,
    onCancel: () => run.abort("the client left"),
    onError: (error) => {
      const explained = run.explain(error);
      service.log.failed(explained);
      return toEvent(explained);
    },
    onEnd: () => run.end(),
  });
}
