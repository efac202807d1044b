import { Command } from "commander";
import { modelStore } from "../engine/index.ts";
import { listModels, progressLine, pullModel, removeModel, resolveModel } from "../lm/store/index.ts";
import { describeModel } from "./describe-model.ts";
import { interruptible } from "./interrupt.ts";
import { size, styleOf } from "./terminal.ts";

interface Flags {
  json?: boolean;
  offline?: boolean;
}

export function modelsCommand(): Command {
  const command = new Command("models").description("Models on this machine; they share the Hugging Face cache.");
  command
    .command("list")
    .description("every model that can be named")
    .option("--json", "print one JSON array")
    .action(list);
  command
    .command("pull <repo[:file]>")
    .description("download a GGUF model; what was interrupted is resumed")
    .option("--offline", "only look whether it is here already")
    .option("--json", "print one JSON object")
    .action(pull);
  command
    .command("show <model>")
    .description("what a model file is, and whether it runs here")
    .option("--json", "print one JSON object")
    .action(show);
  command
    .command("remove <repo[:file]>")
    .description("delete a model from the cache")
    .option("--json", "print one JSON object")
    .action(remove);
  return command;
}

async function list({ json }: Flags): Promise<void> {
  const models = await listModels(modelStore());
  if (json) return print(models);
  if (models.length === 0) process.stderr.write("no models yet: draftwright models pull org/name\n");
  const width = Math.max(0, ...models.map((model) => model.name.length));
  for (const { name, bytes, source } of models) {
    process.stdout.write(`${name.padEnd(width)}  ${size(bytes).padStart(9)}  ${source}\n`);
  }
}

async function pull(reference: string, { json, offline }: Flags): Promise<void> {
  const { isTTY, columns, color } = styleOf(process.stderr);
  const settings = modelStore(offline ? { offline } : {});
  const pulled = await interruptible((signal) =>
    pullModel(reference, settings, {
      signal,
      onProgress: (progress) => process.stderr.write(progressLine(progress, { isTTY, columns, color })),
    }),
  );
  if (json) return print(pulled);
  process.stdout.write(`${pulled.path}\n`);
  process.stderr.write(`use it with --model ${pulled.name}\n`);
}

async function show(name: string, { json }: Flags): Promise<void> {
  const description = describeModel(await resolveModel(name, modelStore()));
  if (json) return print(description);
  for (const [key, value] of Object.entries(description)) {
    const text =
      typeof value === "object"
        ? Object.entries(value)
            .map(([type, count]) => `${count} ${type}`)
            .join(", ")
        : value;
    process.stdout.write(`${key.padEnd(14)} ${text}\n`);
  }
}

async function remove(reference: string, { json }: Flags): Promise<void> {
  const removed = await removeModel(reference, modelStore());
  if (json) return print(removed);
  for (const file of removed.files) process.stdout.write(`removed ${file}\n`);
  process.stderr.write(`${size(removed.freedBytes)} freed\n`);
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
