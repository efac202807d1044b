import { useState } from "preact/hooks";
import { follow, inWords } from "../api/client.ts";
import { manager } from "../api/models.ts";
import { Field, Heading, NumberField, Slider, TextField } from "../parts/fields.tsx";
import { percent } from "../parts/format.ts";
import { aboutSource, sourceClass } from "../parts/sources.ts";
import { createStore } from "../parts/store.ts";
import { type Measured, Results } from "./results.tsx";
import { workloads } from "./workloads.ts";

interface Progress {
  readonly done: number;
  readonly of: number;
}

/** It goes on, and its result stays, while other views are looked at. */
const bench = createStore<{
  readonly progress: Progress | undefined;
  readonly running: boolean;
  readonly problem: string | undefined;
  readonly result: Measured | undefined;
}>({ progress: undefined, running: false, problem: undefined, result: undefined });

let controller: AbortController | undefined;

async function run(body: object): Promise<void> {
  controller = new AbortController();
  bench.set({ running: true, progress: undefined, problem: undefined });
  try {
    const onProgress = (progress: Progress) => bench.set({ progress });
    const result = await follow<Progress, Measured>("/studio/api/bench", body, onProgress, controller.signal);
    bench.set({ result });
  } catch (error) {
    bench.set({ problem: inWords(error) });
  }
  bench.set({ running: false });
}

export function Bench() {
  const { served } = manager.use();
  const { progress, running, problem, result } = bench.use();
  const [model, setModel] = useState("default");
  const [methods, setMethods] = useState<readonly string[]>(["auto", "lookup"]);
  const [chosen, setChosen] = useState<readonly string[]>(Object.keys(workloads));
  const [own, setOwn] = useState("");
  const [maxTokens, setMaxTokens] = useState(64);
  const [repeats, setRepeats] = useState(2);
  const [temperature, setTemperature] = useState(0);
  const used = served.find(({ id, isDefault }) => (model === "default" ? isDefault : id === model));
  const drafters = ["auto", ...(used?.info?.drafters ?? ["lookup"])];
  const lines = own.split("\n").filter((line) => line.trim() !== "");
  const prompts = [
    ...Object.entries(workloads).flatMap(([name, all]) => (chosen.includes(name) ? all : [])),
    ...lines.map((prompt) => ({ category: "own", prompt })),
  ];
  const ready = methods.length > 0 && prompts.length > 0;
  return (
    <div class="page">
      <Heading title="Benchmark" />
      <form
        class="card bench"
        onSubmit={(event) => {
          event.preventDefault();
          if (running) controller?.abort();
          else void run({ model, methods, prompts, maxTokens, repeats, temperature });
        }}
      >
        <p class="hint">
          Each method against plain decoding, in turn, on the same prompts. Other work on this machine blurs the
          numbers.
        </p>
        <div class="columns">
          <Checks
            legend="Methods"
            names={drafters}
            chosen={methods}
            onChange={setMethods}
            draw={(name) => (
              <span title={name === "auto" ? "what is expected to pay" : aboutSource(name)}>
                <i class={`dot ${name === "auto" ? "source-auto" : sourceClass(name)}`} />
                {name}
              </span>
            )}
          />
          <div>
            <Checks
              legend="Prompts"
              names={Object.keys(workloads)}
              chosen={chosen}
              onChange={setChosen}
              draw={(name) => <span>{name}</span>}
            />
            <TextField label="Your own prompts" hint="One a line" rows={3} value={own} onChange={setOwn} />
          </div>
          <div>
            <Field label="Model">
              {(id) => (
                <select id={id} value={model} onChange={(event) => setModel(event.currentTarget.value)}>
                  {served.length === 0 && <option value="default">default</option>}
                  {served.map((one) => (
                    <option key={one.id} value={one.isDefault ? "default" : one.id}>
                      {one.id}
                    </option>
                  ))}
                </select>
              )}
            </Field>
            <NumberField label="Tokens a prompt" min={8} max={1024} value={maxTokens} onChange={setMaxTokens} />
            <NumberField label="Passes" min={1} max={10} value={repeats} onChange={setRepeats} />
            <Slider label="Temperature" min={0} max={2} step={0.1} value={temperature} onChange={setTemperature} />
          </div>
        </div>
        <div class="actions">
          <button type="submit" class={running ? "stop" : "primary"} disabled={!running && !ready}>
            {running ? "Stop" : "Run benchmark"}
          </button>
          {running && (
            <div class="progress">
              <progress aria-label="Benchmark" value={progress ? progress.done / progress.of : undefined} max={1} />
              <span class="hint" role="status">
                {progress ? percent(progress.done / progress.of) : "Warming up.."}
              </span>
            </div>
          )}
        </div>
        {problem !== undefined && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
      </form>
      {result && <Results result={result} />}
    </div>
  );
}

function Checks(props: {
  readonly legend: string;
  readonly names: readonly string[];
  readonly chosen: readonly string[];
  readonly onChange: (chosen: readonly string[]) => void;
  readonly draw: (name: string) => preact.ComponentChildren;
}) {
  const { legend, names, chosen, onChange, draw } = props;
  return (
    <fieldset class="checks">
      <legend>{legend}</legend>
      {names.map((name) => (
        <label key={name}>
          <input
            type="checkbox"
            checked={chosen.includes(name)}
            onChange={(event) =>
              onChange(event.currentTarget.checked ? [...chosen, name] : chosen.filter((other) => other !== name))
            }
          />
          {draw(name)}
        </label>
      ))}
    </fieldset>
  );
}
