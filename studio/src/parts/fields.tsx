import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface Common {
  readonly label: string;
  readonly hint?: string;
}

export function Field({ label, hint, children }: Common & { readonly children: (id: string) => ComponentChildren }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(id)}
      {hint && <small>{hint}</small>}
    </div>
  );
}

interface NumberProps extends Common {
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step?: number;
  readonly onChange: (value: number) => void;
}

/** A slider with its value. */
export function Slider({ label, hint, value, min, max, step = 1, onChange }: NumberProps) {
  return (
    <Field label={label} hint={hint}>
      {(id) => (
        <div class="slider">
          <input
            id={id}
            type="range"
            {...{ min, max, step, value }}
            onInput={(event) => onChange(event.currentTarget.valueAsNumber)}
          />
          <output for={id}>{value}</output>
        </div>
      )}
    </Field>
  );
}

export function NumberField({ label, hint, value, min, max, step, onChange }: NumberProps) {
  return (
    <Field label={label} hint={hint}>
      {(id) => (
        <input
          id={id}
          type="number"
          {...{ min, max, step, value }}
          onChange={(event) => {
            const given = event.currentTarget.valueAsNumber;
            const kept = Number.isFinite(given) ? Math.min(max, Math.max(min, given)) : value;
            event.currentTarget.value = String(kept);
            onChange(kept);
          }}
        />
      )}
    </Field>
  );
}

interface TextProps extends Common {
  readonly value: string;
  readonly placeholder?: string;
  readonly rows?: number;
  readonly numeric?: boolean;
  readonly onChange: (value: string) => void;
}

export function TextField({ label, hint, value, placeholder, rows, numeric, onChange }: TextProps) {
  const digits = (text: string) => (numeric ? text.replace(/\D/g, "").slice(0, 15) : text);
  return (
    <Field label={label} hint={hint}>
      {(id) =>
        rows === undefined ? (
          <input
            id={id}
            type="text"
            inputmode={numeric ? "numeric" : undefined}
            {...{ value, placeholder }}
            onInput={(event) => {
              event.currentTarget.value = digits(event.currentTarget.value);
              onChange(event.currentTarget.value);
            }}
          />
        ) : (
          <textarea
            id={id}
            {...{ value, placeholder, rows }}
            onInput={(event) => onChange(event.currentTarget.value)}
          />
        )
      }
    </Field>
  );
}

/** One of a few: radio buttons that look like one switch. */
export function Choice<T extends string>(props: {
  readonly label: string;
  readonly hidden?: boolean;
  readonly value: T;
  readonly options: Readonly<Record<T, string>>;
  readonly onChange: (value: T) => void;
}) {
  const name = useId();
  return (
    <fieldset class="switch">
      <legend class={props.hidden ? "hidden" : undefined}>{props.label}</legend>
      <div>
        {(Object.keys(props.options) as T[]).map((option) => (
          <label key={option}>
            <input type="radio" name={name} checked={option === props.value} onChange={() => props.onChange(option)} />
            <span>{props.options[option]}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

export function Heading({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="heading">
      <h1 tabIndex={-1}>{title}</h1>
      {children}
    </div>
  );
}
