import type { Token } from "../api/generate.ts";
import { memo } from "../parts/memo.ts";
import { sourceClass } from "../parts/sources.ts";

interface Props {
  readonly tokens: readonly Token[];
  /** The one source to show; undefined: all. */
  readonly only: string | undefined;
}

/** A text with each token painted by the drafter that proposed it. */
export const Painted = memo(({ tokens, only }: Props) => (
  <>
    {tokens.map(({ text, source }, i) => (
      <span
        key={i}
        class={`token ${sourceClass(source)} ${only !== undefined && only !== source ? "faint" : ""}`}
        title={source}
      >
        {text}
      </span>
    ))}
  </>
));
