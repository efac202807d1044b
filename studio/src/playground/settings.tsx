import { manager } from "../api/models.ts";
import { Choice, Field, NumberField, Slider, TextField } from "../parts/fields.tsx";
import { aboutSource, sourceClass } from "../parts/sources.ts";
import { change, session } from "./session.ts";

export function SettingsPanel() {
  const { settings } = session.use();
  const { served } = manager.use();
  const used = served.find(({ id, isDefault }) => (settings.model === "default" ? isDefault : id === settings.model));
  const drafters = used?.info?.drafters ?? [];
  return (
    <aside class="settings" aria-label="Settings">
      <section aria-labelledby="drafting-heading">
        <h2 id="drafting-heading">Drafting</h2>
        <Choice
          label="Method"
          hidden
          value={settings.draft}
          options={{ auto: "Auto", some: "Choose", off: "Off" }}
          onChange={(draft) => change({ draft })}
        />
        <p class="hint">
          {settings.draft === "auto"
            ? "What is expected to pay, of all drafters."
            : settings.draft === "off"
              ? "Plain decoding, one token a round."
              : "Only the drafters chosen here."}
        </p>
        {settings.draft === "some" && (
          <fieldset class="checks">
            <legend class="hidden">Drafters</legend>
            {drafters.map((name) => (
              <label key={name} title={aboutSource(name)}>
                <input
                  type="checkbox"
                  checked={settings.methods.includes(name)}
                  onChange={(event) =>
                    change({
                      methods: event.currentTarget.checked
                        ? [...settings.methods, name]
                        : settings.methods.filter((other) => other !== name),
                    })
                  }
                />
                <i class={`dot ${sourceClass(name)}`} />
                <span>{name}</span>
              </label>
            ))}
            {drafters.length === 0 && <p class="hint">Load the model to see its drafters.</p>}
          </fieldset>
        )}
        {settings.draft !== "off" && (
          <>
            <TextField
              label="Budget"
              hint="Draft tokens in every round. Empty: as many as pay."
              placeholder="auto"
              numeric
              value={settings.budget}
              onChange={(budget) =>
                change({ budget: budget === "" ? "" : String(Math.min(256, Math.max(1, Number(budget)))) })
              }
            />
            <TextField
              label="Prediction"
              hint="What the output will be like. It changes the speed, never the text."
              placeholder="The old version of a text, for example"
              rows={4}
              value={settings.prediction}
              onChange={(prediction) => change({ prediction })}
            />
          </>
        )}
      </section>
      <section aria-labelledby="sampling-heading">
        <h2 id="sampling-heading">Sampling</h2>
        <Slider
          label="Temperature"
          min={0}
          max={2}
          step={0.1}
          value={settings.temperature}
          onChange={(temperature) => change({ temperature })}
        />
        <NumberField
          label="Tokens at most"
          min={1}
          max={32768}
          value={settings.maxTokens}
          onChange={(maxTokens) => change({ maxTokens })}
        />
        <details>
          <summary>More</summary>
          <Slider
            label="Top p"
            min={0.05}
            max={1}
            step={0.05}
            value={settings.topP}
            onChange={(topP) => change({ topP })}
          />
          <NumberField
            label="Top k"
            hint="0: all tokens"
            min={0}
            max={1000}
            value={settings.topK}
            onChange={(topK) => change({ topK })}
          />
          <TextField
            label="Seed"
            hint="Equal seeds give equal texts, drafted or not."
            placeholder="random"
            numeric
            value={settings.seed}
            onChange={(seed) => change({ seed })}
          />
          <TextField
            label="Stop at"
            hint="One text a line"
            rows={2}
            value={settings.stop}
            onChange={(stop) => change({ stop })}
          />
        </details>
      </section>
      <section aria-labelledby="model-heading">
        <h2 id="model-heading">Model</h2>
        <Field label="Answers come from">
          {(id) => (
            <select id={id} value={settings.model} onChange={(event) => change({ model: event.currentTarget.value })}>
              {served.length === 0 && <option value="default">default</option>}
              {served.map((model) => (
                <option key={model.id} value={model.isDefault ? "default" : model.id}>
                  {model.id}
                  {model.state === "unloaded" ? " (loads on demand)" : ""}
                </option>
              ))}
            </select>
          )}
        </Field>
        {settings.mode === "chat" && (
          <TextField
            label="System message"
            rows={3}
            value={settings.system}
            onChange={(system) => change({ system })}
          />
        )}
      </section>
    </aside>
  );
}
