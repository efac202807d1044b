import type { Token } from "../api/generate.ts";
import { percent } from "../parts/format.ts";
import { aboutSource, sourceClass } from "../parts/sources.ts";

interface Props {
  readonly tokens: readonly Token[];
  readonly only: string | undefined;
  readonly onOnly: (source: string | undefined) => void;
}

/** Who proposed how much; a press shows one source alone. */
export function Legend({ tokens, only, onOnly }: Props) {
  const counts = new Map<string, number>();
  for (const { source } of tokens) counts.set(source, (counts.get(source) ?? 0) + 1);
  const drafted = tokens.length - (counts.get("target") ?? 0);
  const sources = [...counts].sort((a, b) => Number(a[0] === "target") - Number(b[0] === "target") || b[1] - a[1]);
  return (
    <div class="legend">
      <p class="legend-sum">
        {tokens.length === 0 ? (
          "Tokens are painted by the drafter that proposed them."
        ) : (
          <>
            <strong>{percent(drafted / tokens.length)}</strong> of {tokens.length} tokens were drafted
          </>
        )}
      </p>
      <ul>
        {sources.map(([source, tokensOf]) => (
          <li key={source}>
            <button
              type="button"
              class={`chip ${sourceClass(source)}`}
              aria-pressed={only === source}
              title={aboutSource(source)}
              onClick={() => onOnly(only === source ? undefined : source)}
            >
              <i />
              {source} <b>{tokensOf}</b>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
