// One error class for the whole package: a stable code, what was wrong, what to do next, and the cause.

export type ErrorCode =
  | "native-missing"
  | "native-failed"
  | "device-missing"
  | "bad-argument"
  | "bad-shape"
  | "bad-model"
  | "bad-database"
  | "bad-checkpoint"
  | "unsupported-model"
  | "model-not-found"
  | "download-failed"
  | "offline"
  | "remote-failed"
  | "out-of-memory"
  | "context-overflow"
  | "diverged"
  | "vocabulary-mismatch"
  | "disposed"
  | "aborted"
  | "internal";

export class DraftwrightError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "DraftwrightError";
    this.code = code;
  }
}
