import { DraftwrightError, type ErrorCode } from "../../errors.ts";

export interface ApiErrorDetails {
  /** OpenAI's `error.type`; default `invalid_request_error`. */
  readonly type?: string;
  /** OpenAI's `error.code`. */
  readonly code?: string;
  /** The field of the body that is wrong, such as `messages[0].role`. */
  readonly param?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer that is not 2xx. The message is shown to the client. */
export class ApiError extends Error {
  readonly status: number;
  readonly type: string;
  readonly code: string | null;
  readonly param: string | null;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, details: ApiErrorDetails = {}) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.type = details.type ?? "invalid_request_error";
    this.code = details.code ?? null;
    this.param = details.param ?? null;
    this.headers = details.headers ?? {};
  }

  /** The object that OpenAI's clients read. */
  toOpenAi(): { error: { message: string; type: string; param: string | null; code: string | null } } {
    const { message, type, param, code } = this;
    return { error: { message, type, param, code } };
  }
}

/** What the client did wrong, by the engine's code; everything else is the server's fault. */
const clientErrors: Partial<Record<ErrorCode, readonly [status: number, code: string]>> = {
  "bad-argument": [400, "invalid_value"],
  "context-overflow": [400, "context_length_exceeded"],
  "out-of-memory": [400, "insufficient_kv_rows"],
  "model-not-found": [404, "model_not_found"],
  "unsupported-model": [400, "unsupported_model"],
};

/** Any error as an answer. Defects become a 500 that does not show their message. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof DraftwrightError) {
    const known = clientErrors[error.code];
    if (known) return new ApiError(known[0], error.message, { code: known[1] });
    if (error.code === "disposed") {
      return new ApiError(503, "The server is shutting down. Try again on another replica, or later.", {
        type: "server_error",
        code: "shutting_down",
        headers: { "retry-after": "5" },
      });
    }
    if (error.code === "remote-failed") {
      return new ApiError(502, error.message, { type: "server_error", code: "remote_failed" });
    }
    if (error.code === "aborted") return new ApiError(499, error.message, { code: "aborted" });
    if (error.code === "bad-model") return new ApiError(500, error.message, { type: "server_error", code: error.code });
  }
  return new ApiError(500, "The server failed on this request. Its log has the details, under the request id.", {
    type: "server_error",
    code: "internal_error",
  });
}
