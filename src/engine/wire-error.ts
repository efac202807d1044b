import { DraftwrightError, type ErrorCode } from "../errors.ts";

/** An error as plain data: classes do not survive the way between threads. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly stack: string | undefined;
}

export function toWire(error: unknown): WireError {
  if (error instanceof DraftwrightError) return { code: error.code, message: error.message, stack: error.stack };
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { code: "internal", message: `${message}. This is a defect of draftwright: please report it.`, stack };
}

export function fromWire({ code, message, stack }: WireError): DraftwrightError {
  const cause = new Error(message);
  cause.stack = stack;
  return new DraftwrightError(code, message, { cause });
}
