import type { Round } from "../api/generate.ts";
import { memo } from "../parts/memo.ts";
import { sourceClass } from "../parts/sources.ts";

const height = 64;

interface Props {
  readonly rounds: readonly Round[];
  readonly at: number;
  readonly onPick: (round: number) => void;
}

/** A column a round, a cell a token that it emitted. The slider below does the same for keys and ears. */
export const Strip = memo(({ rounds, at, onPick }: Props) => {
  const most = Math.max(4, ...rounds.map(({ emitted }) => emitted.length));
  const cell = (height - 8) / most;
  const width = Math.max(5, Math.min(18, 900 / Math.max(rounds.length, 1)));
  const total = rounds.length * width;
  return (
    <div class="strip">
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the slider is its keyboard */}
      <svg
        aria-hidden="true"
        viewBox={`0 0 ${total} ${height}`}
        {...{ width: total, height }}
        onClick={(event) => {
          const { left, width: shown } = event.currentTarget.getBoundingClientRect();
          onPick(Math.min(rounds.length - 1, Math.floor(((event.clientX - left) / shown) * rounds.length)));
        }}
      >
        {rounds.map(({ emitted }, round) => (
          <g key={round} class={round === at ? "bar picked" : "bar"}>
            <rect class="hit" x={round * width} y={0} width={width} height={height} />
            {emitted.map(({ source }, i) => (
              <rect
                key={i}
                class={sourceClass(source)}
                x={round * width + 1}
                y={height - 4 - (i + 1) * cell}
                width={width - 2}
                height={Math.max(1, cell - 1)}
                rx="1"
              />
            ))}
          </g>
        ))}
      </svg>
    </div>
  );
});
