const encoder = new TextEncoder();

export interface SseOptions {
  /** Called once when the client left before the end, or stopped reading. */
  readonly onCancel: () => void;
  /** The last words when the source throws. */
  readonly onError: (error: unknown) => string;
  /** Called once, however it ends. */
  readonly onEnd: () => void;
  /** A client that takes nothing for so long is dropped. */
  readonly stallMs: number;
}

/** One event of a stream; `event` is its name, where the protocol has names. */
export function sseEvent(data: unknown, event?: string): string {
  const name = event === undefined ? "" : `event: ${event}\n`;
  return `${name}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
}

/** Streams the texts of `source` as they come, never faster than the client reads. */
export function sseResponse(source: AsyncGenerator<string>, options: SseOptions): Response {
  let ended = false;
  let stalled: NodeJS.Timeout | undefined;
  const end = () => {
    if (ended) return;
    ended = true;
    clearTimeout(stalled);
    options.onEnd();
  };
  const leave = () => {
    if (ended) return;
    options.onCancel();
    void source.return(undefined).catch(() => {});
    end();
  };
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        clearTimeout(stalled);
        try {
          const { done, value } = await source.next();
          if (ended) return;
          if (done) {
            end();
            controller.close();
            return;
          }
          stalled = setTimeout(() => {
            leave();
            controller.error(new Error("The client stopped reading."));
          }, options.stallMs);
          controller.enqueue(encoder.encode(value));
        } catch (error) {
          if (ended) return;
          controller.enqueue(encoder.encode(options.onError(error)));
          end();
          controller.close();
        }
      },
      cancel: leave,
    },
    { highWaterMark: 0 },
  );
  return new Response(body, {
    headers: {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
    },
  });
}
