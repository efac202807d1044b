import type { ApiError } from "../http/api-error.ts";

const types: Readonly<Record<number, string>> = {
  401: "authentication_error",
  404: "not_found_error",
  408: "timeout_error",
  413: "request_too_large",
  429: "rate_limit_error",
  503: "overloaded_error",
};

/** The object that Anthropic's clients read. */
export function anthropicError({ status, message }: ApiError): object {
  return {
    type: "error",
    error: { type: types[status] ?? (status < 500 ? "invalid_request_error" : "api_error"), message },
  };
}
