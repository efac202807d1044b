import { DraftwrightError } from "../../errors.ts";
import { ApiError, toApiError } from "../http/api-error.ts";
import { sseEvent, sseResponse } from "../http/sse.ts";
import type { Service } from "../service.ts";

/**
 * A long piece of work as a stream of events: `progress` as it goes, then `done` or `error`. A client that leaves aborts it;
 * of a progress that comes faster than the client reads, only the latest is sent.
 */
export function progressResponse<P, R>(
  service: Service,
  work: (report: (progress: P) => void, signal: AbortSignal) => Promise<R>,
): Response {
  const controller = new AbortController();
  async function* events(): AsyncGenerator<string> {
    let latest: P | undefined;
    let wake = () => {};
    const report = (progress: P) => {
      latest = progress;
      wake();
    };
    let outcome: { readonly result: R } | { readonly error: unknown } | undefined;
    work(report, controller.signal)
      .then((result) => ({ result }))
      .catch((error: unknown) => ({ error }))
      .then((settled) => {
        outcome = settled;
        wake();
      });
    // The first bytes tell the client that the work has begun.
    yield ": started\n\n";
    for (;;) {
      if (latest !== undefined) {
        const event = sseEvent(latest, "progress");
        latest = undefined;
        yield event;
      } else if (outcome !== undefined) {
        if ("error" in outcome) throw outcome.error;
        yield sseEvent(outcome.result, "done");
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }
  return sseResponse(events(), {
    stallMs: service.settings.limits.stallSeconds * 1000,
    onCancel: () => controller.abort(),
    onError: (error) => {
      const shown = explained(error);
      if (shown.status >= 500) service.log.failed(error);
      return sseEvent(shown.toOpenAi(), "error");
    },
    onEnd: () => {},
  });
}

/** Our own errors say what to do next; whoever manages models here may read them. */
export function explained(error: unknown): ApiError {
  const known = toApiError(error);
  if (known.code !== "internal_error" || !(error instanceof DraftwrightError)) return known;
  return new ApiError(502, error.message, { type: "server_error", code: error.code });
}
