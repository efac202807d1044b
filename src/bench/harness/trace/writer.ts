import { closeSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import type { RoundReport } from "../../../drafting/index.ts";
import type { GenerateResult, Model } from "../../../engine/index.ts";
import { DraftwrightError } from "../../../errors.ts";
import { machine } from "../machine.ts";
import type { TraceGeneration, TraceLine } from "./format.ts";

/** Writes a trace beside its place, line by line, and renames it when it is finished. */
export class TraceWriter {
  readonly #path: string;
  readonly #model: Model;
  readonly #texts: boolean;
  readonly #file: number;
  readonly #tokens = new Set<number>();
  #generations = 0;

  /** `texts`: write prompts and the texts of tokens too. Throws "bad-argument" when the file cannot be written. */
  static async open(path: string, model: Model, texts: boolean): Promise<TraceWriter> {
    const writer = new TraceWriter(path, model, texts);
    const { name, architecture, hash, threads, device, numerics, drafters } = model.info;
    writer.#write({
      type: "trace",
      version: 1,
      model: { name: name || architecture, hash, threads, device },
      machine: machine(),
      numerics,
      curve: await model.costCurve(),
      drafters,
    });
    return writer;
  }

  private constructor(path: string, model: Model, texts: boolean) {
    this.#path = path;
    this.#model = model;
    this.#texts = texts;
    try {
      this.#file = openSync(this.#partial, "w");
    } catch (cause) {
      throw new DraftwrightError("bad-argument", `Cannot write ${path}: ${(cause as Error).message}.`, { cause });
    }
  }

  /** Announces a generation; give its rounds and its result to what is returned. */
  generation({ promptText, ...about }: Omit<TraceGeneration, "type" | "id">) {
    const id = this.#generations++;
    this.#write({ type: "generation", id, ...about, ...(this.#texts && { promptText }) });
    return {
      round: (report: RoundReport) => {
        this.#write({ type: "round", id, ...report });
        if (!this.#texts) return;
        for (const { token } of report.emitted) this.#tokens.add(token);
        for (const token of report.record?.tree.token ?? []) this.#tokens.add(token);
      },
      end: ({ tokens, promptTokens, finishReason, timings: { prefillMs, decodeMs } }: GenerateResult) => {
        this.#write({ type: "end", id, tokens, promptTokens, finishReason, prefillMs, decodeMs });
      },
    };
  }

  async finish(): Promise<void> {
    const texts: Record<string, string> = {};
    for (const token of this.#tokens) texts[token] = await this.#model.detokenize([token]);
    if (this.#texts) this.#write({ type: "texts", texts });
    closeSync(this.#file);
    renameSync(this.#partial, this.#path);
  }

  /** After a failure: nothing stays behind. */
  discard(): void {
    closeSync(this.#file);
    rmSync(this.#partial, { force: true });
  }

  get #partial(): string {
    return `${this.#path}.${process.pid}.part`;
  }

  #write(line: TraceLine): void {
    writeSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}
